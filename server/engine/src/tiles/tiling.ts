/** A part of a line: of `length` from `start`. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/** Row-major planes, dims [channels, height, width]. */
export interface TilePlanes {
  readonly data: Float32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Tiles done, of so many. */
export interface TileProgress {
  readonly tile: number;
  readonly tiles: number;
}

/**
 * Covers a line with spans of at most `tile`, neighbours sharing at least `overlap`, as few as that takes and evenly spread.
 * @throws RangeError if a tile is not longer than its overlap
 */
export function spansOf(length: number, tile: number, overlap: number): Span[] {
  if (overlap < 0 || tile <= overlap) throw new RangeError(`Tiles of ${tile} cannot overlap by ${overlap}.`);
  if (length <= tile) return [{ start: 0, length }];
  const count = Math.ceil((length - overlap) / (tile - overlap));
  return Array.from({ length: count }, (_, index) => ({
    start: Math.round((index * (length - tile)) / (count - 1)),
    length: tile,
  }));
}

/** Cuts a line into pieces of at most `tile`, about equally long; starts are multiples of `step`, as `length` must be. */
export function partition(length: number, tile: number, step = 1): Span[] {
  const units = length / step;
  const count = Math.ceil(units / Math.max(1, Math.floor(tile / step)));
  const startOf = (index: number): number => Math.round((index * units) / count) * step;
  return Array.from({ length: count }, (_, index) => ({
    start: startOf(index),
    length: startOf(index + 1) - startOf(index),
  }));
}

/** The part of `planes` that two spans mark, copied. */
export function crop(planes: TilePlanes, rows: Span, columns: Span): TilePlanes {
  const { channels, height, width } = planes;
  const data = new Float32Array(channels * rows.length * columns.length);
  let to = 0;
  for (let channel = 0; channel < channels; channel += 1) {
    for (let row = rows.start; row < rows.start + rows.length; row += 1) {
      const from = (channel * height + row) * width + columns.start;
      data.set(planes.data.subarray(from, from + columns.length), to);
      to += columns.length;
    }
  }
  return { data, channels, height: rows.length, width: columns.length };
}
