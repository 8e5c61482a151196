import { expect, test } from 'vitest';
import { bytes, duration, moment } from './format.ts';

test.each([
  [0, '1 s'],
  [8400, '8 s'],
  [60_000, '1 min'],
  [80_000, '1 min 20 s'],
  [7_500_000, '2 h 5 min'],
])('%d ms reads %s', (ms, text) => expect(duration(ms)).toBe(text));

test.each([
  [812, '812 B'],
  [187_000_000, '187 MB'],
  [999_700, '1.0 MB'],
  [2_132_696_762, '2.1 GB'],
])('%d bytes read %s', (count, text) => expect(bytes(count)).toBe(text));

test('a time of today and yesterday is named so', () => {
  const now = new Date(2026, 5, 10, 0, 30);
  expect(moment(new Date(2026, 5, 10, 0, 5).toISOString(), now)).toMatch(/^today /);
  expect(moment(new Date(2026, 5, 9, 23, 59).toISOString(), now)).toMatch(/^yesterday /);
  expect(moment(new Date(2026, 5, 8, 12).toISOString(), now)).toMatch(/2026/);
});
