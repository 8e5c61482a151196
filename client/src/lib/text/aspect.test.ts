import { LIMITS } from '@atelier/contract';
import { expect, test } from 'vitest';
import { ASPECTS, sizeFor } from './aspect.ts';

test.each([128, 256, 512, 768, 1024])(
  'every preset of a %d px model is allowed and has about its area',
  (side) => {
    for (const aspect of ASPECTS) {
      const { width, height } = sizeFor(aspect, { width: side, height: side });
      for (const length of [width, height]) {
        expect(length % LIMITS.side.multipleOf).toBe(0);
        expect(length).toBeGreaterThanOrEqual(LIMITS.side.min);
        expect(length).toBeLessThanOrEqual(LIMITS.side.max);
      }
      expect(Math.abs((width * height) / side ** 2 - 1)).toBeLessThan(0.15);
      expect(Math.abs(Math.log(width / height / (aspect.across / aspect.down)))).toBeLessThan(0.18);
    }
  },
);

test('the square preset is the native size', () => {
  const [square] = ASPECTS;
  if (square === undefined) throw new Error('There is no square.');
  expect(sizeFor(square, { width: 512, height: 512 })).toEqual({ width: 512, height: 512 });
});
