import { expect, test } from 'vitest';
import { acceptable, settled } from './number-text.ts';

const side = { min: 64, max: 2048, step: 8 };
const cfg = { min: 0, max: 100, step: 0.1 };

test.each([
  ['512', 512],
  ['515', null],
  ['5', null],
  ['', null],
  ['4096', null],
  ['abc', null],
])('a half-typed side %j is taken as %s', (text, value) => expect(acceptable(text, side)).toBe(value));

test.each([
  ['515', 512],
  ['5', 64],
  ['9999', 2048],
  ['', 128],
  ['wide', 128],
])('leaving a side of %j settles on %d', (text, value) => expect(settled(text, side, 128)).toBe(value));

test('tenths have no binary tail, and a comma is a point', () => {
  expect(settled('0,30000001', cfg, 7)).toBe(0.3);
  expect(acceptable('7.5', cfg)).toBe(7.5);
});
