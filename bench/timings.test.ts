import { expect, it } from 'vitest';
import { median, table } from './timings.ts';

it('takes the middle, or the mean of the middle two', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(() => median([])).toThrow(RangeError);
});

it('compares medians, not single rounds', () => {
  const text = table([
    { name: 'engine', ms: [100, 100, 900] },
    { name: 'API', ms: [110, 109, 1500], against: 'engine' },
  ]);
  expect(text.split('\n')).toEqual([
    '| What   | Median   | Range               | Rounds | Ratio          |',
    '| ------ | -------- | ------------------- | ------ | -------------- |',
    '| engine | 100.0 ms | 100.0 ms – 900.0 ms | 3      |                |',
    '| API    | 110.0 ms | 109.0 ms – 1.50 s   | 3      | 1.100 × engine |',
  ]);
});
