import { boxGaussianBlur } from './blur.ts';
import type { GreyImage, RgbImage } from './image.ts';

/** Blurs that are laid on each other, the widest first, and how often each. */
const LAYERS = [
  { radius: 256, times: 1 },
  { radius: 64, times: 1 },
  { radius: 16, times: 2 },
  { radius: 4, times: 4 },
  { radius: 2, times: 2 },
  { radius: 0, times: 1 },
] as const;

/** Red, green, blue and opacity. */
const CHANNELS = 4;

/**
 * Fills what a mask covers (255) with the colours around it, blurred the more the farther they are: the webui's masked
 * content "fill", byte for byte.
 */
export function fillFromAround(image: RgbImage, mask: GreyImage): RgbImage {
  const kept = uncovered(image, mask);
  const canvas = new Uint8Array(kept.data.length);
  for (const { radius, times } of LAYERS) {
    const layer = undarkened(boxGaussianBlur(kept, radius).data);
    for (let time = 0; time < times; time += 1) layOn(canvas, layer);
  }
  const data = new Uint8Array(image.data.length);
  for (let i = 0; i < data.length; i += 1) data[i] = canvas[Math.floor(i / 3) * CHANNELS + (i % 3)]!;
  return { ...image, data };
}

/** Colours times opacity, which is what the mask leaves. */
function uncovered(image: RgbImage, mask: GreyImage): RgbImage {
  const data = new Uint8Array(mask.data.length * CHANNELS);
  mask.data.forEach((cover, i) => {
    const opacity = 255 - cover;
    for (let channel = 0; channel < 3; channel += 1) {
      data[i * CHANNELS + channel] = by255(image.data[3 * i + channel]! * opacity + 128);
    }
    data[i * CHANNELS + 3] = opacity;
  });
  return { ...image, data };
}

/** Colours no longer times opacity. */
function undarkened(data: Uint8Array): Uint8Array {
  return data.map((value, i) => {
    const opacity = data[i - (i % CHANNELS) + 3]!;
    if (i % CHANNELS === 3 || opacity === 0 || opacity === 255) return value;
    return Math.min(Math.floor((255 * value) / opacity), 255);
  });
}

/** Pillow's `alpha_composite`, which counts with 7 more bits. */
function layOn(canvas: Uint8Array, layer: Uint8Array): void {
  for (let i = 0; i < canvas.length; i += CHANNELS) {
    const opacity = layer[i + 3]!;
    if (opacity === 0) continue;
    const sum = opacity * 255 + canvas[i + 3]! * (255 - opacity);
    const share = Math.floor((opacity * 255 * 255 * 128) / sum);
    for (let channel = i; channel < i + 3; channel += 1) {
      const mixed = layer[channel]! * share + canvas[channel]! * (255 * 128 - share);
      canvas[channel] = by255(mixed + 128 * 128) >> 7;
    }
    canvas[i + 3] = by255(sum + 128);
  }
}

/** Division by 255 as Pillow does it. */
function by255(value: number): number {
  return ((value >> 8) + value) >> 8;
}
