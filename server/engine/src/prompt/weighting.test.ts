import { describe, expect, it } from 'vitest';
import { weighted } from './weighting.ts';

const one = (
  vectors: Float32Array,
  weights: number[],
  mode?: Parameters<typeof weighted>[1],
  widths?: number[],
) => weighted([{ vectors, weights }], mode, widths)[0]!;
const mean = (values: Iterable<number>) => {
  const all = [...values];
  return all.reduce((sum, value) => sum + value) / all.length;
};

describe('weighted', () => {
  it('multiplies tokens and restores the mean', () => {
    const vectors = Float32Array.of(1, 2, 3, 4);
    const result = one(vectors, [1, 2]);
    expect(mean(result)).toBeCloseTo(mean(vectors), 6);
    expect(result[2]! / result[0]!).toBeCloseTo((3 * 2) / 1, 5);
    expect(result[3]! / result[1]!).toBeCloseTo((4 * 2) / 2, 5);
    expect([...vectors]).toEqual([1, 2, 3, 4]);
  });

  it('leaves the mean as it becomes where that is asked for', () => {
    expect([...one(Float32Array.of(1, 2, 3, 4), [1, 2], 'No norm')]).toEqual([1, 2, 6, 8]);
  });

  it.each(['Ignore', 'None'] as const)('passes over weights as %s', (mode) => {
    const vectors = Float32Array.of(1, 2, 3, 4);
    expect(one(vectors, [1, 2], mode)).toBe(vectors);
  });

  it('changes nothing where all weights are 1', () => {
    const vectors = Float32Array.of(1, 2, 3, 4);
    expect(one(vectors, [1, 1])).toBe(vectors);
  });

  it('keeps the mean of each encoder whose vectors lie side by side', () => {
    const vectors = Float32Array.of(1, 10, 20, 3, 5, 60);
    const together = one(vectors, [1, 2], 'Original', [1, 2]);
    // Each as if it were alone.
    const first = one(Float32Array.of(1, 3), [1, 2]);
    const second = one(Float32Array.of(10, 20, 5, 60), [1, 2]);
    expect([...together]).toEqual([first[0], second[0], second[1], first[1], second[2], second[3]]);
    expect([...together]).not.toEqual([...one(vectors, [1, 2])]);
  });

  it('keeps the mean of a batch, in which a text counts as often as it is there', () => {
    const plain = { vectors: Float32Array.of(1, 3), weights: [1, 1], count: 3 };
    const stressed = { vectors: Float32Array.of(2, 4), weights: [1, 2], count: 1 };
    const [first, second] = weighted([plain, stressed]) as [Float32Array, Float32Array];
    expect(mean([...first, ...first, ...first, ...second])).toBeCloseTo((3 * 4 + 6) / 8, 6);
    expect(first[1]! / first[0]!).toBeCloseTo(3, 6);
    expect(second[1]! / first[0]!).toBeCloseTo(8, 5);
    expect(first[0]).toBeLessThan(1);
  });
});
