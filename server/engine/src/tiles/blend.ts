import type { Span, TilePlanes } from './tiling.ts';

/**
 * How much each place of a span counts, from 0 to 1, so that over all spans of a line every place counts 1. It changes over
 * `feather` places around the middle of what two neighbours share: 0 is a hard cut there.
 */
export function weightsOf(spans: readonly Span[], index: number, feather: number): Float32Array {
  const { start, length } = spans[index]!;
  const weights = new Float32Array(length);
  const before = spans[index - 1];
  const after = spans[index + 1];
  for (let place = 0; place < weights.length; place += 1) {
    const at = start + place + 0.5;
    const begun = before === undefined ? 1 : rise(at, seam(before, spans[index]!), feather);
    const over = after === undefined ? 0 : rise(at, seam(spans[index]!, after), feather);
    weights[place] = begun - over; // the next one's `begun` is `over`: the sum is 1
  }
  return weights;
}

/** The middle of what two neighbours share. */
function seam(left: Span, right: Span): number {
  return Math.round((left.start + left.length + right.start) / 2);
}

/** From 0 to 1 over `width` around `middle`. */
function rise(at: number, middle: number, width: number): number {
  if (width === 0) return at < middle ? 0 : 1;
  return Math.min(1, Math.max(0, (at - middle) / width + 0.5));
}

/** Where a tile's result belongs, with the weights of its rows and columns. */
export interface Placement {
  readonly top: number;
  readonly left: number;
  readonly rows: Float32Array;
  readonly columns: Float32Array;
}

/** Adds a tile's result, weighted, to the whole. */
export function addTile(whole: TilePlanes, tile: TilePlanes, { top, left, rows, columns }: Placement): void {
  for (let channel = 0; channel < whole.channels; channel += 1) {
    for (let row = 0; row < tile.height; row += 1) {
      const weight = rows[row]!;
      if (weight === 0) continue;
      const from = (channel * tile.height + row) * tile.width;
      const to = (channel * whole.height + top + row) * whole.width + left;
      for (let column = 0; column < tile.width; column += 1) {
        whole.data[to + column]! += weight * columns[column]! * tile.data[from + column]!;
      }
    }
  }
}
