import { describe, expect, it } from 'vitest';
import { changeMask, type ChangeRule } from './change-mask.ts';

const side = 12;
const rule: ChangeRule = { maskInfluence: 0, threshold: 0.5, changeContrast: 2 };
const map = (at: (x: number, y: number) => number) => ({
  values: Float32Array.from({ length: side * side }, (_, i) => at(i % side, Math.floor(i / side))),
  width: side,
  height: side,
});
const covered = new Float32Array(side * side).fill(1);
const maskOf = (distance: ReturnType<typeof map>, more: Partial<ChangeRule> = {}, mask = covered) =>
  changeMask(distance, mask, { ...rule, ...more }, 0.5).data;

describe('changeMask', () => {
  it('shows nothing where nothing has changed, and all where much has', () => {
    expect(new Set(maskOf(map(() => 0)))).toEqual(new Set([0]));
    expect(new Set(maskOf(map(() => 100)))).toEqual(new Set([254]));
  });

  it('shows half at the threshold', () => {
    // 255 / 2, the fraction dropped.
    for (const threshold of [0.5, 2]) {
      const [value] = maskOf(
        map(() => threshold),
        { threshold },
      );
      expect(Math.abs(value! - 127)).toBeLessThanOrEqual(1);
    }
  });

  it('grows with the change', () => {
    const values = [0.1, 0.3, 0.6, 1, 3].map((distance) => maskOf(map(() => distance))[0]!);
    expect(values).toEqual([...values].sort((a, b) => a - b));
  });

  it('lets the edges of a change grow, and passes over single pixels less than over areas', () => {
    const half = maskOf(map((x) => (x < side / 2 ? 3 : 0)));
    expect(half[6 * side + 6]).toBeGreaterThan(200);
    expect(half[6 * side + 11]).toBe(0);
  });

  it('counts the mask in where it has influence', () => {
    const distance = map(() => 0.5);
    const spared = new Float32Array(side * side).fill(0.2);
    expect(maskOf(distance, { maskInfluence: 1 })[0]).toBeGreaterThan(maskOf(distance, {}, spared)[0]!);
    expect(maskOf(distance, { maskInfluence: 1 }, spared)[0]).toBeLessThan(
      maskOf(distance, { maskInfluence: 1 })[0]!,
    );
  });

  it('has numbers at all ends', () => {
    for (const more of [{ threshold: 0 }, { changeContrast: 0 }, { maskInfluence: 1 }]) {
      for (const distance of [map(() => 0), map(() => 5)]) expect(maskOf(distance, more)).toHaveLength(144);
    }
    expect(
      maskOf(
        map(() => 0),
        { threshold: 0 },
      )[0],
    ).toBe(0);
    expect(
      maskOf(
        map(() => 5),
        { threshold: 0 },
      )[0],
    ).toBe(255);
  });
});
