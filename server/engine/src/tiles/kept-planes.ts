import type { Span, TilePlanes } from './tiling.ts';

/** Of every group norm in Stable Diffusion's networks. */
const GROUPS = 32;

/** Planes that are put together from tiles, and what a group norm needs to know of them. */
export class KeptPlanes {
  readonly planes: TilePlanes;
  readonly #sums = new Float64Array(GROUPS);
  readonly #squares = new Float64Array(GROUPS);
  readonly #isForgotten: boolean;

  /** @param isForgotten True if only the statistics of what is put in are wanted; `planes` is without data then. */
  constructor(planes: TilePlanes, isForgotten = false) {
    this.planes = planes;
    this.#isForgotten = isForgotten;
  }

  /**
   * Takes the middle of a tile: `rows` by `columns` of the whole.
   * @param from where in the tile that middle begins
   */
  put(tile: TilePlanes, { rows, columns, from }: TileMiddle): void {
    const { data, channels, height, width } = this.planes;
    for (let channel = 0; channel < channels; channel += 1) {
      const group = Math.floor((channel * GROUPS) / channels);
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
      this.#sums[group]! += sum;
      this.#squares[group]! += squares;
    }
  }

  /** Means, then variances, of the groups. Sums are of float64, so that the difference of squares has digits enough. */
  statistics(): Float32Array {
    const { channels, height, width } = this.planes;
    const count = (channels / GROUPS) * height * width;
    const statistics = new Float32Array(2 * GROUPS);
    for (let group = 0; group < GROUPS; group += 1) {
      const mean = this.#sums[group]! / count;
      statistics[group] = mean;
      statistics[GROUPS + group] = Math.max(0, this.#squares[group]! / count - mean * mean);
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
