import type { GreyImage } from './image.ts';

const { fround } = Math;

/** From when on a pixel counts as changed: the webui's soft inpainting. */
export interface ChangeRule {
  /** 0 = wherever the mask lies, 1 = the more it covers the less change is needed; default 0. */
  readonly maskInfluence: number;
  /** Distance at which half of the new picture is seen; default 0.5. */
  readonly threshold: number;
  /** How sharp the transition is; default 2. */
  readonly changeContrast: number;
}

interface Map {
  /** Row by row. */
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
}

/**
 * A mask by how far what was drawn is from what was there.
 * @param distance One value for each pixel, 0 and more.
 * @param mask 1 = draw anew, 0 = keep; of the same size.
 * @param preservation Of the soft mask; weighs it where it has influence.
 * @returns 255 = show what was drawn
 */
export function changeMask(
  distance: Map,
  mask: Float32Array,
  { maskInfluence, threshold, changeContrast }: ChangeRule,
  preservation: number,
): GreyImage {
  const { values, width, height } = filtered(filtered(distance, 0.9, 1), 0.25, 0.75);
  const data = Uint8Array.from(values, (value, i) => {
    const kept = 1 - Math.min(Math.max(mask[i]!, 0), 1) ** (preservation / 2);
    const scalar = 0.5 * (1 - maskInfluence) + kept * maskInfluence;
    const half = (threshold * scalar) / (1.00001 - scalar);
    // Where any change is enough, none is not.
    const ratio = value === 0 ? 0 : value / half;
    return 255 * (1 - smoothed(1 / (1 + ratio ** changeContrast)));
  });
  return { data, width, height };
}

/** From 0 to 1 with two derivatives that are 0 at the ends. Perlin 2002, "Improving Noise". */
const smoothed = (x: number): number => x ** 3 * (x * (6 * x - 15) + 10);

const REACH = 2;
/** A bell that is 0 one pixel beyond its reach. */
const WEIGHTS = Array.from({ length: (2 * REACH + 1) ** 2 }, (_, i) => {
  const [x, y] = [(i % (2 * REACH + 1)) - REACH, Math.floor(i / (2 * REACH + 1)) - REACH];
  const bell = (square: number) => Math.exp(-square / 1.5 ** 2);
  const end = bell((REACH + 1) ** 2);
  return { x, y, weight: Math.max((bell(x * x + y * y) - end) / (1 - end), 0) };
});
/** A part of the histogram is at least as wide as the weight of one pixel. */
const NARROWEST = 1;

/** In place of every value the mean of those around whose weighted rank lies between `low` and `high`, 0…1. */
function filtered({ values, width, height }: Map, low: number, high: number): Map {
  const result = values.map((_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    const around = WEIGHTS.map((one) => ({ ...one, x: x + one.x, y: y + one.y }))
      .filter((one) => one.x >= 0 && one.x < width && one.y >= 0 && one.y < height)
      .map((one) => ({ value: values[one.y * width + one.x]!, weight: one.weight }))
      .sort((first, second) => first.value - second.value);
    return fround(meanOfRanks(around, low, high));
  });
  return { values: result, width, height };
}

/** @param sorted By value. */
function meanOfRanks(
  sorted: readonly { value: number; weight: number }[],
  low: number,
  high: number,
): number {
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  const [from, to] = window(total, total * low, total * high);
  let [rank, sum, weights] = [0, 0, 0];
  for (const { value, weight } of sorted) {
    const share = Math.max(Math.min(to, rank + weight) - Math.max(from, rank), 0);
    sum += value * share;
    weights += share;
    rank += weight;
  }
  return weights === 0 ? 0 : sum / weights;
}

/** Widened where it is too narrow, and moved back to where there is something. */
function window(total: number, from: number, to: number): [from: number, to: number] {
  if (to - from >= NARROWEST) return [from, to];
  const middle = (from + to) / 2;
  [from, to] = [middle - NARROWEST / 2, middle + NARROWEST / 2];
  if (to > total) [from, to] = [total - NARROWEST, total];
  return from < 0 ? [0, NARROWEST] : [from, to];
}
