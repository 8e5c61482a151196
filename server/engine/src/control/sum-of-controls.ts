import type { Latents } from '../diffusion/latents.ts';
import { resizeLatents } from '../diffusion/resize-latents.ts';
import type { ControlResiduals } from '../families/control-models.ts';

/** What one ControlNet made, and how much of it counts. */
export interface WeightedControl {
  readonly residuals: ControlResiduals;
  /** One for each skip, then the middle's. */
  readonly weights: readonly number[];
  /** Where it counts, 0…1, [1, 1, height, width] of any size. Default: everywhere. */
  readonly region?: Latents | undefined;
  /** Averages each residual over the picture. */
  readonly isPooled?: boolean | undefined;
}

/** All residuals, weighted and added up; undefined if there are none. */
export function sumOfControls(parts: readonly WeightedControl[]): ControlResiduals | undefined {
  const sums = sumOfFeatures(
    parts.map(({ residuals, ...rest }) => ({ ...rest, features: [...residuals.skips, residuals.middle] })),
  );
  const middle = sums?.at(-1);
  return sums === undefined || middle === undefined ? undefined : { skips: sums.slice(0, -1), middle };
}

/** What one adapter made, and how much of it counts. */
export interface WeightedFeatures extends Omit<WeightedControl, 'residuals'> {
  readonly features: readonly Latents[];
}

/**
 * All features, weighted and added up; undefined if there are none.
 * @throws RangeError if they differ in number or size
 */
export function sumOfFeatures(parts: readonly WeightedFeatures[]): readonly Latents[] | undefined {
  const [first] = parts;
  if (first === undefined) return undefined;
  for (const { features, weights } of parts) {
    if (features.length !== first.features.length || weights.length < features.length) {
      throw new RangeError(`Expected ${first.features.length} residuals, each with a weight.`);
    }
  }
  return first.features.map((_, index) =>
    sumOfMaps(
      parts.map(({ features, weights, region, isPooled }) =>
        weightedMap(features[index] as Latents, weights[index] ?? 0, region, isPooled === true),
      ),
    ),
  );
}

/** One map of a network times its weight; regions come before averages, as in the reference. */
function weightedMap(map: Latents, weight: number, region: Latents | undefined, isPooled: boolean): Latents {
  if (weight === 1 && region === undefined && !isPooled) return map;
  const [batch, channels, height, width] = map.dims;
  const area = height * width;
  const mask = region === undefined ? null : resizeLatents(region, height, width, 'bilinear').data;
  const data = map.data.map(
    (value, index) => value * weight * (mask === null ? 1 : (mask[index % area] ?? 0)),
  );
  if (!isPooled) return { data, dims: map.dims };
  const means = Float32Array.from({ length: batch * channels }, (_, plane) => {
    let sum = 0;
    for (let at = plane * area; at < (plane + 1) * area; at += 1) sum += data[at] ?? 0;
    return sum / area;
  });
  return { data: means, dims: [batch, channels, 1, 1] };
}

/** Maps of one size, or averages [batch, channels, 1, 1] among them. */
function sumOfMaps(maps: readonly Latents[]): Latents {
  const largest = maps.reduce((best, map) => (map.data.length > best.data.length ? map : best));
  if (maps.length === 1) return largest;
  const [batch, channels, height, width] = largest.dims;
  const sum = new Float32Array(largest.data.length);
  for (const { data, dims } of maps) {
    const [times, planes, ...sides] = dims;
    const isMean = sides[0] === 1 && sides[1] === 1;
    if (times !== batch || planes !== channels || (!isMean && (sides[0] !== height || sides[1] !== width))) {
      throw new RangeError(`Cannot add dims ${dims.join(', ')} to ${largest.dims.join(', ')}.`);
    }
    const step = isMean ? height * width : 1;
    for (let at = 0; at < sum.length; at += 1) sum[at] = (sum[at] ?? 0) + (data[Math.floor(at / step)] ?? 0);
  }
  return { data: sum, dims: largest.dims };
}
