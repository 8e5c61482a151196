import { describe, expect, it } from 'vitest';
import type { Latents } from '../diffusion/latents.ts';
import { sumOfControls, sumOfFeatures } from './sum-of-controls.ts';

/** [1, 1, height, width] of the rows. */
const plane = (...rows: number[][]): Latents => ({
  data: Float32Array.from(rows.flat()),
  dims: [1, 1, rows.length, rows[0]?.length ?? 0],
});

describe('the sum of what guides', () => {
  it('is nothing of nothing, and itself of one with full weight', () => {
    expect(sumOfControls([])).toBeUndefined();
    const residuals = { skips: [plane([1, 2])], middle: plane([3]) };
    const sum = sumOfControls([{ residuals, weights: [1, 1] }]);
    expect(sum).toEqual(residuals);
    expect(sum?.middle).toBe(residuals.middle);
  });

  it('weights each layer of each', () => {
    const first = { skips: [plane([1, 2])], middle: plane([3]) };
    const second = { skips: [plane([10, 20])], middle: plane([30]) };
    const sum = sumOfControls([
      { residuals: first, weights: [2, 0.5] },
      { residuals: second, weights: [1, -1] },
    ]);
    expect(sum).toEqual({ skips: [plane([12, 24])], middle: plane([-28.5]) });
    expect(first.skips[0]?.data).toEqual(Float32Array.of(1, 2)); // not changed
  });

  it('is limited to a region, which is resized to each layer', () => {
    const region = plane([0, 1]);
    const ones = plane([1, 1, 1, 1], [1, 1, 1, 1]);
    const [sum] = sumOfFeatures([{ features: [ones], weights: [1], region }]) ?? [];
    // Linear between the centres of pixels, as torch's interpolate.
    expect(sum).toEqual(plane([0, 0.25, 0.75, 1], [0, 0.25, 0.75, 1]));
    const same = sumOfFeatures([{ features: [plane([5, 7])], weights: [1], region }]);
    expect(same).toEqual([plane([0, 7])]);
  });

  it('averages over the picture, after the region', () => {
    const region = plane([0, 1]);
    const features = [{ data: Float32Array.of(1, 3, 5, 9), dims: [1, 2, 1, 2] as const }];
    const whole = { data: Float32Array.of(1, 1, 1, 1), dims: [1, 2, 1, 2] as const };
    const pooled = { features, weights: [2], isPooled: true };
    expect(sumOfFeatures([pooled])).toEqual([{ data: Float32Array.of(4, 14), dims: [1, 2, 1, 1] }]);
    expect(sumOfFeatures([{ ...pooled, region }])).toEqual([
      { data: Float32Array.of(3, 9), dims: [1, 2, 1, 1] },
    ]);
    for (const parts of [
      [pooled, { features: [whole], weights: [1] }],
      [{ features: [whole], weights: [1] }, pooled],
    ]) {
      expect(sumOfFeatures(parts)).toEqual([{ data: Float32Array.of(5, 5, 15, 15), dims: whole.dims }]);
    }
  });

  it('is refused for different networks', () => {
    const one = { features: [plane([1])], weights: [1] };
    expect(() => sumOfFeatures([one, { features: [plane([1]), plane([1])], weights: [1, 1] }])).toThrow(
      RangeError,
    );
    expect(() => sumOfFeatures([one, { features: [plane([1, 2], [3, 4])], weights: [1] }])).not.toThrow();
    const wide = { features: [plane([1, 2, 3])], weights: [1] };
    expect(() => sumOfFeatures([wide, { features: [plane([1, 2])], weights: [1] }])).toThrow(RangeError);
    expect(() => sumOfFeatures([{ features: [plane([1])], weights: [] }])).toThrow(RangeError);
  });
});
