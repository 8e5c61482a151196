import type { Latents } from './latents.ts';
import { KERNELS, pointTaps, stretchedTaps, type Taps } from './resampling.ts';

/** Ways to resize latents: PyTorch's `interpolate`, `align_corners` off; `antialiased` is its option of that name. */
export const LATENT_RESIZES = [
  'nearest',
  'bilinear',
  'bilinear-antialiased',
  'bicubic',
  'bicubic-antialiased',
] as const;
export type LatentResize = (typeof LATENT_RESIZES)[number];

/** Resizes every channel to height · width. */
export function resizeLatents(x: Latents, height: number, width: number, mode: LatentResize): Latents {
  const [batch, channels, fromHeight, fromWidth] = x.dims;
  const rows = tapsFor(fromHeight, height, mode);
  const columns = tapsFor(fromWidth, width, mode);
  const data = new Float32Array(batch * channels * height * width);
  for (let plane = 0; plane < batch * channels; plane += 1) {
    const area = fromHeight * fromWidth;
    const wide = alongRows(x.data.subarray(plane * area, (plane + 1) * area), columns, fromWidth);
    data.set(alongColumns(wide, rows, width), plane * height * width);
  }
  return { data, dims: [batch, channels, height, width] };
}

function tapsFor(from: number, to: number, mode: LatentResize): Taps[] {
  switch (mode) {
    case 'nearest':
      return Array.from({ length: to }, (_, index) => ({
        start: Math.min(Math.floor(index * (from / to)), from - 1),
        weights: Float64Array.of(1),
      }));
    case 'bilinear':
      return pointTaps(from, to, KERNELS.bilinear);
    case 'bicubic':
      return pointTaps(from, to, KERNELS['bicubic-sharp']);
    case 'bilinear-antialiased':
      return stretchedTaps(from, to, KERNELS.bilinear);
    case 'bicubic-antialiased':
      return stretchedTaps(from, to, KERNELS.bicubic);
  }
}

function alongRows(values: Float32Array, columns: readonly Taps[], width: number): Float64Array {
  const height = values.length / width;
  const result = new Float64Array(height * columns.length);
  for (let y = 0; y < height; y += 1) {
    columns.forEach(({ start, weights }, x) => {
      let sum = 0;
      for (let i = 0; i < weights.length; i += 1) sum += weights[i] * values[y * width + start + i];
      result[y * columns.length + x] = sum;
    });
  }
  return result;
}

function alongColumns(values: Float64Array, rows: readonly Taps[], width: number): Float32Array {
  const result = new Float32Array(rows.length * width);
  rows.forEach(({ start, weights }, y) => {
    for (let x = 0; x < width; x += 1) {
      let sum = 0;
      for (let i = 0; i < weights.length; i += 1) sum += weights[i] * values[(start + i) * width + x];
      result[y * width + x] = sum;
    }
  });
  return result;
}
