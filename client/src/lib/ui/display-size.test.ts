import { expect, test } from 'vitest';
import { displayHeight, displayWidth } from './display-size.ts';

test.each([
  [{ width: 128, height: 128 }, 512, 512],
  [{ width: 64, height: 64 }, 256, 256],
  [{ width: 112, height: 144 }, 404, 520],
  [{ width: 512, height: 512 }, 520, 520],
  [{ width: 1024, height: 768 }, 1024, 768],
])('%o is shown %d wide and %d high', (size, width, height) => {
  expect(displayWidth(size)).toBe(width);
  expect(displayHeight(size)).toBe(height);
});
