import { describe, expect, it } from 'vitest';
import type { Latents } from './latents.ts';
import { addScaled, isFinite, scaled, subtract, weightedSum } from './latents.ts';

const latents = (...values: number[]): Latents => ({
  data: Float32Array.from(values),
  dims: [1, 1, 1, values.length],
});

describe('latents', () => {
  it('are scaled, added and subtracted element by element', () => {
    expect([...scaled(latents(1, -2), 3).data]).toEqual([3, -6]);
    expect([...addScaled(latents(1, 2), latents(10, 20), 0.5).data]).toEqual([6, 12]);
    expect([...subtract(latents(1, 2), latents(3, 5)).data]).toEqual([-2, -3]);
  });

  it('are summed in float64 and rounded once', () => {
    const [a, b] = [latents(1), latents(2 ** -24)];
    expect(weightedSum([1, a], [1, b], [1, b]).data[0]).toBe(1 + 2 ** -23);
  });

  it('leave out terms of weight 0, so that these need not be finite', () => {
    expect([...weightedSum([1, latents(1, 2)], [0, latents(NaN, Infinity)]).data]).toEqual([1, 2]);
  });

  it('refuse to be added to others of another size', () => {
    expect(() => weightedSum([1, latents(1, 2)], [1, latents(1)])).toThrow(
      new RangeError('Expected 2 latents but received 1'),
    );
  });

  it('know whether all their values are numbers', () => {
    expect(isFinite(latents(1, -2, 0))).toBe(true);
    expect(isFinite(latents(1, NaN))).toBe(false);
    expect(isFinite(latents(1, -Infinity))).toBe(false);
  });
});
