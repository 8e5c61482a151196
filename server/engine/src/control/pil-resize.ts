/** 8-bit planes, one after the other, row by row. */
export interface BytePlanes {
  readonly data: Uint8Array;
  readonly planes: number;
  readonly height: number;
  readonly width: number;
}

/** Fraction bits of a weight, as in Pillow: room for 8 bits of value and 2 of overshoot. */
const SCALE = 2 ** 22;

/**
 * Bicubic resizing as Pillow does it: a filter as wide as a source pixel is in the result, columns first, with weights in
 * fixed point and bytes in between, so that the result is the same to the bit. Keys 1981, a = −0.5.
 */
export function resizedBicubic(from: BytePlanes, height: number, width: number): BytePlanes {
  const wide = from.width === width ? from : transposedResize(from, width, false);
  return wide.height === height ? wide : transposedResize(wide, height, true);
}

/** Along one axis. */
function transposedResize(from: BytePlanes, size: number, isVertical: boolean): BytePlanes {
  const { planes, data } = from;
  const [height, width] = isVertical ? [size, from.width] : [from.height, size];
  const taps = tapsOf(isVertical ? from.height : from.width, size);
  const result = new Uint8Array(planes * height * width);
  const step = isVertical ? from.width : 1;
  let at = 0;
  for (let plane = 0; plane < planes; plane += 1) {
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const { first, weights } = taps[isVertical ? y : x] as Taps;
        const row = plane * from.height + (isVertical ? first : y);
        let position = row * from.width + (isVertical ? x : first);
        let sum = SCALE / 2;
        for (const weight of weights) {
          sum += weight * (data[position] ?? 0);
          position += step;
        }
        result[at++] = Math.min(255, Math.max(0, Math.floor(sum / SCALE)));
      }
    }
  }
  return { data: result, planes, height, width };
}

/** The source pixels that make one of the result, and their weights times `SCALE`. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

function tapsOf(from: number, to: number): Taps[] {
  const ratio = from / to;
  const spread = Math.max(1, ratio);
  const reach = 2 * spread;
  return Array.from({ length: to }, (_, index) => {
    const centre = (index + 0.5) * ratio;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const last = Math.min(from, Math.trunc(centre + reach + 0.5));
    const raw = Array.from({ length: last - first }, (_, tap) =>
      cubic((first + tap - centre + 0.5) / spread),
    );
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map((weight) => awayFromZero((weight / sum) * SCALE)) };
  });
}

function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? -0.5 * (((x - 5) * x + 8) * x - 4) : 0;
}

/** Rounds halves away from zero. */
function awayFromZero(value: number): number {
  return value < 0 ? Math.trunc(value - 0.5) : Math.trunc(value + 0.5);
}
