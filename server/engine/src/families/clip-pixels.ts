import type { Latents } from '../diffusion/latents.ts';
import type { RgbImage } from '../pixels/image.ts';
import { resizeImage } from '../pixels/resize.ts';

/** Of the pictures that CLIP was trained with; red, green, blue. */
const CHANNELS = [
  { mean: 0.48145466, deviation: 0.26862954 },
  { mean: 0.4578275, deviation: 0.26130258 },
  { mean: 0.40821073, deviation: 0.27577711 },
] as const;

/**
 * A picture as CLIP sees it: resized so that the shorter side fits, its middle cut out, normalised. As transformers'
 * CLIPImageProcessor does it, in bytes up to the last step.
 * @returns [1, 3, side, side]
 */
export function clipPixels(picture: RgbImage, side: number): Latents {
  const { width, height } = picture;
  const isTall = height > width;
  const wide = isTall ? side : Math.trunc((side * width) / height);
  const tall = isTall ? Math.trunc((side * height) / width) : side;
  const { data } = resizeImage(picture, wide, tall, { kernel: 'bicubic' });
  const [top, left] = [Math.floor((tall - side) / 2), Math.floor((wide - side) / 2)];
  const pixels = new Float32Array(3 * side * side);
  CHANNELS.forEach(({ mean, deviation }, channel) => {
    for (let y = 0; y < side; y += 1) {
      for (let x = 0; x < side; x += 1) {
        const byte = data[((top + y) * wide + left + x) * 3 + channel] ?? 0;
        pixels[(channel * side + y) * side + x] = (byte / 255 - mean) / deviation;
      }
    }
  });
  return { data: pixels, dims: [1, 3, side, side] };
}
