import type { TilePlanes } from './tiling.ts';

/** Adds rows and columns at the bottom and right, mirrored about the last, until sides are multiples of `multiple`. */
export function padded(planes: TilePlanes, multiple: number): TilePlanes {
  const { data, channels, height, width } = planes;
  const rows = Math.ceil(height / multiple) * multiple;
  const columns = Math.ceil(width / multiple) * multiple;
  if (rows === height && columns === width) return planes;
  const result = new Float32Array(channels * rows * columns);
  for (let channel = 0; channel < channels; channel += 1) {
    for (let row = 0; row < rows; row += 1) {
      const from = (channel * height + mirrored(row, height)) * width;
      const to = (channel * rows + row) * columns;
      for (let column = 0; column < columns; column += 1) {
        result[to + column] = data[from + mirrored(column, width)]!;
      }
    }
  }
  return { data: result, channels, height: rows, width: columns };
}

/** The top left part. */
export function trimmed(planes: TilePlanes, height: number, width: number): TilePlanes {
  if (planes.height === height && planes.width === width) return planes;
  const data = new Float32Array(planes.channels * height * width);
  for (let row = 0; row < planes.channels * height; row += 1) {
    const channel = Math.floor(row / height);
    const from = (channel * planes.height + (row % height)) * planes.width;
    data.set(planes.data.subarray(from, from + width), row * width);
  }
  return { data, channels: planes.channels, height, width };
}

/** Without repeating the last place; a line of one place has only that. */
function mirrored(place: number, length: number): number {
  if (place < length) return place;
  return Math.max(0, 2 * (length - 1) - place);
}
