import { addTile, weightsOf } from './blend.ts';
import { crop, spansOf, type Span, type TilePlanes, type TileProgress } from './tiling.ts';

export interface Tiling {
  /** Largest side of a tile, with its share of the overlap, in places of the input. */
  readonly tile: number;
  /** What neighbours share at least, in places of the input. */
  readonly overlap: number;
  /** Over how many places of the result one tile turns into the next; default 0: a cut in the middle of the overlap. */
  readonly feather?: number;
  /** Tile starts and sizes are multiples of this; default 1. Sides of the input must be, too. */
  readonly step?: number;
  /** Tiles of the result are so many times as large as those of the input; a fraction is 1 / n with `step` a multiple of n. */
  readonly scale: number;
}

/**
 * Computes planes tile by tile, yielding after each; returns the whole. Whoever stops asking stops the work.
 * @param run from a part of the input to the same part of the result, any number of channels
 */
export async function* mapTiles(
  planes: TilePlanes,
  tiling: Tiling,
  run: (tile: TilePlanes) => Promise<TilePlanes>,
): AsyncGenerator<TileProgress, TilePlanes> {
  const { scale, overlap } = tiling;
  const feather = Math.min(tiling.feather ?? 0, overlap * scale);
  const rows = stepped(planes.height, tiling);
  const columns = stepped(planes.width, tiling);
  const tiles = rows.length * columns.length;
  let whole: TilePlanes | null = null;
  let done = 0;
  for (const [y, row] of rows.entries()) {
    const rowWeights = weightsOf(scaled(rows, scale), y, feather);
    for (const [x, column] of columns.entries()) {
      const result = await run(crop(planes, row, column));
      if (result.height !== row.length * scale || result.width !== column.length * scale) {
        throw new RangeError(
          `A tile of ${column.length}x${row.length} became ${result.width}x${result.height}; expected ${scale} times that.`,
        );
      }
      whole ??= empty(result.channels, planes.height * scale, planes.width * scale);
      addTile(whole, result, {
        top: row.start * scale,
        left: column.start * scale,
        rows: rowWeights,
        columns: weightsOf(scaled(columns, scale), x, feather),
      });
      done += 1;
      yield { tile: done, tiles };
    }
  }
  return whole ?? planes;
}

/** Spans in units of `step`, so that starts and lengths are multiples of it. */
function stepped(length: number, { tile, overlap, step = 1 }: Tiling): Span[] {
  const units = spansOf(length / step, Math.floor(tile / step), Math.ceil(overlap / step));
  return scaled(units, step);
}

function scaled(spans: readonly Span[], scale: number): Span[] {
  return spans.map(({ start, length }) => ({ start: start * scale, length: length * scale }));
}

function empty(channels: number, height: number, width: number): TilePlanes {
  return { data: new Float32Array(channels * height * width), channels, height, width };
}
