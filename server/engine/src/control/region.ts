import type { Latents } from '../diffusion/latents.ts';

/**
 * A mask [1, 1, height, width] in another size: linear between the centres of pixels, without a filter when it shrinks, as
 * the reference's regions are resized (torch's `interpolate(mode="bilinear")`).
 */
export function resizedRegion(region: Latents, height: number, width: number): Latents {
  const [, , fromHeight, fromWidth] = region.dims;
  if (region.data.length !== fromHeight * fromWidth) {
    throw new RangeError(`Expected one plane but received dims ${region.dims.join(', ')}.`);
  }
  const rows = samples(fromHeight, height);
  const columns = samples(fromWidth, width);
  const at = (row: number, column: number): number => region.data[row * fromWidth + column] ?? 0;
  const data = new Float32Array(height * width);
  rows.forEach((row, y) => {
    columns.forEach((column, x) => {
      const above = mixed(at(row.first, column.first), at(row.first, column.second), column.share);
      const below = mixed(at(row.second, column.first), at(row.second, column.second), column.share);
      data[y * width + x] = mixed(above, below, row.share);
    });
  });
  return { data, dims: [1, 1, height, width] };
}

/** Which two values a sample lies between, and the share of the second. */
interface Sample {
  readonly first: number;
  readonly second: number;
  readonly share: number;
}

function samples(from: number, to: number): Sample[] {
  return Array.from({ length: to }, (_, index) => {
    const position = Math.max(0, ((index + 0.5) * from) / to - 0.5);
    const first = Math.min(Math.floor(position), from - 1);
    return { first, second: Math.min(first + 1, from - 1), share: position - first };
  });
}

function mixed(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}
