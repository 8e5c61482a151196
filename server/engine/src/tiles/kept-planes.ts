import type { Span, TilePlanes } from './tiling.ts';

/** Planes that are put together from tiles, and what a group norm needs to know of them. */
export class KeptPlanes {
  readonly planes: TilePlanes;
  /** Of each channel. */
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  readonly #isForgotten: boolean;

  /** @param isForgotten True if only the statistics of what is put in are wanted; `planes` is without data then. */
  constructor(planes: TilePlanes, isForgotten = false) {
    this.planes = planes;
    this.#sums = new Float64Array(planes.channels);
    this.#squares = new Float64Array(planes.channels);
    this.#isForgotten = isForgotten;
  }

  /**
   * Takes the middle of a tile: `rows` by `columns` of the whole.
   * @param from where in the tile that middle begins
   */
  put(tile: TilePlanes, { rows, columns, from }: TileMiddle): void {
    const { data, channels, height, width } = this.planes;
    for (let channel = 0; channel < channels; channel += 1) {
      let sum = 0;
      let squares = 0;
      for (let row = 0; row < rows.length; row += 1) {
        const at = (channel * tile.height + from.row + row) * tile.width + from.column;
        const part = tile.data.subarray(at, at + columns.length);
        for (let index = 0; index < part.length; index += 1) {
          const value = part[index]!;
          sum += value;
          squares += value * value;
        }
        if (!this.#isForgotten) data.set(part, (channel * height + rows.start + row) * width + columns.start);
      }
      this.#sums[channel]! += sum;
      this.#squares[channel]! += squares;
    }
  }

  /** Means, then variances, of groups of channels. Sums are of float64, so that the difference of squares has digits enough. */
  statistics(groups: number): Float32Array {
    const { channels, height, width } = this.planes;
    const size = channels / groups;
    const count = size * height * width;
    const total = (values: Float64Array, group: number): number =>
      values.subarray(group * size, (group + 1) * size).reduce((sum, value) => sum + value, 0);
    const statistics = new Float32Array(2 * groups);
    for (let group = 0; group < groups; group += 1) {
      const mean = total(this.#sums, group) / count;
      statistics[group] = mean;
      statistics[groups + group] = Math.max(0, total(this.#squares, group) / count - mean * mean);
    }
    return statistics;
  }
}

/** A part of the whole, and where it begins in a tile's result. */
export interface TileMiddle {
  readonly rows: Span;
  readonly columns: Span;
  readonly from: { readonly row: number; readonly column: number };
}
