import { describe, expect, it } from 'vitest';
import { weighted } from './weighting.ts';

describe('weighted', () => {
  it('multiplies tokens and restores the mean', () => {
    const vectors = Float32Array.of(1, 2, 3, 4);
    const result = weighted(vectors, [1, 2]);
    const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value) / values.length;
    expect(mean(result)).toBeCloseTo(mean(vectors), 6);
    expect(result[2]! / result[0]!).toBeCloseTo((3 * 2) / 1, 5);
    expect(result[3]! / result[1]!).toBeCloseTo((4 * 2) / 2, 5);
    expect([...vectors]).toEqual([1, 2, 3, 4]);
  });

  it('changes nothing where all weights are 1', () => {
    const vectors = Float32Array.of(1, 2, 3, 4);
    expect(weighted(vectors, [1, 1])).toBe(vectors);
  });

  it('keeps the mean of each encoder whose vectors lie side by side', () => {
    const vectors = Float32Array.of(1, 10, 20, 3, 5, 60);
    const together = weighted(vectors, [1, 2], [1, 2]);
    // Each as if it were alone.
    const first = weighted(Float32Array.of(1, 3), [1, 2]);
    const second = weighted(Float32Array.of(10, 20, 5, 60), [1, 2]);
    expect([...together]).toEqual([first[0], second[0], second[1], first[1], second[2], second[3]]);
    expect([...together]).not.toEqual([...weighted(vectors, [1, 2])]);
  });
});
