import type { Latents } from '../diffusion/latents.ts';
import type { LatentToRgb, PixelPlanes } from '../families/diffusion-model.ts';
import type { RgbImage } from '../pixels/image.ts';

/**
 * Maps planes in −1…1 to bytes; values outside are clamped.
 * @param toWhole How a brightness of 0…255 becomes a byte: Math.trunc or Math.round.
 */
export function toRgb({ data, height, width }: PixelPlanes, toWhole: (value: number) => number): RgbImage {
  const size = height * width;
  const bytes = new Uint8Array(3 * size);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < size; i++) {
      const brightness = (data[channel * size + i]! + 1) / 2;
      bytes[3 * i + channel] = toWhole(255 * Math.min(Math.max(brightness, 0), 1));
    }
  }
  return { data: bytes, width, height };
}

/** Bytes as planes in −1…1, what a VAE encodes. */
export function fromRgb({ data, width, height }: RgbImage): PixelPlanes {
  const size = height * width;
  const planes = new Float32Array(3 * size);
  for (let i = 0; i < 3 * size; i++) {
    planes[i] = 2 * Math.fround(data[3 * (i % size) + Math.floor(i / size)]! / 255) - 1;
  }
  return { data: planes, width, height };
}

/** A rough picture of latents, one pixel for each of theirs, by an affine map fitted for the model. */
export function roughRgb({ data, dims }: Latents, { weight, bias }: LatentToRgb): RgbImage {
  const [, channels, height, width] = dims;
  const size = height * width;
  const bytes = new Uint8ClampedArray(3 * size); // rounds and clamps
  for (let i = 0; i < size; i++) {
    for (let colour = 0; colour < 3; colour++) {
      let brightness = bias[colour]!;
      for (let k = 0; k < channels; k++) brightness += data[k * size + i]! * (weight[k]?.[colour] ?? 0);
      bytes[3 * i + colour] = 255 * brightness;
    }
  }
  return { data: new Uint8Array(bytes.buffer), width, height };
}
