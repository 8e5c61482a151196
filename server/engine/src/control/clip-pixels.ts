import type { Latents } from '../diffusion/latents.ts';
import type { PixelPlanes } from '../families/diffusion-model.ts';
import { resizedBicubic } from './pil-resize.ts';

/** Of the pictures that CLIP was trained with; red, green, blue. */
const MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
const DEVIATION = [0.26862954, 0.26130258, 0.27577711] as const;

/**
 * A picture as CLIP sees it: resized so that the shorter side fits, its middle cut out, normalised. As transformers'
 * CLIPImageProcessor does it, in bytes up to the last step.
 * @param picture in 0…1
 * @returns [1, 3, side, side]
 */
export function clipPixels({ data, height, width }: PixelPlanes, side: number): Latents {
  const bytes = Uint8Array.from(data, (value) => Math.round(255 * Math.min(1, Math.max(0, value))));
  const [tall, wide] =
    height <= width
      ? [side, Math.trunc((side * width) / height)]
      : [Math.trunc((side * height) / width), side];
  const resized = resizedBicubic({ data: bytes, planes: 3, height, width }, tall, wide);
  const [top, left] = [Math.floor((tall - side) / 2), Math.floor((wide - side) / 2)];
  const pixels = new Float32Array(3 * side * side);
  let at = 0;
  MEAN.forEach((mean, plane) => {
    for (let y = top; y < top + side; y += 1) {
      for (let x = left; x < left + side; x += 1) {
        const byte = resized.data[(plane * tall + y) * wide + x] ?? 0;
        pixels[at++] = (byte / 255 - mean) / (DEVIATION[plane] ?? 1);
      }
    }
  });
  return { data: pixels, dims: [1, 3, side, side] };
}
