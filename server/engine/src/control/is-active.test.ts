import { expect, it } from 'vitest';
import { isActive, type StepRule } from './is-active.ts';

const steps = (start: number, end: number, rule: StepRule, count = 10): number[] =>
  Array.from({ length: count }, (_, index) => index).filter((stepIndex) =>
    isActive({ start, end }, { stepIndex, steps: count }, rule),
  );

it('acts in every step unless told otherwise', () => {
  expect(isActive({}, { stepIndex: 0, steps: 1 }, 'diffusers')).toBe(true);
  expect(steps(0, 1, 'diffusers')).toHaveLength(10);
  expect(steps(0, 1, 'webui')).toHaveLength(10);
});

it('acts in whole steps for diffusers, and in those that begin in time for the webui', () => {
  expect(steps(0.2, 0.5, 'diffusers')).toEqual([2, 3, 4]);
  expect(steps(0.2, 0.5, 'webui')).toEqual([2, 3, 4, 5]);
  expect(steps(0.25, 0.45, 'diffusers')).toEqual([3]);
  expect(steps(0.25, 0.45, 'webui')).toEqual([3, 4]);
  expect(steps(0, 0, 'diffusers')).toEqual([]);
  expect(steps(0, 0, 'webui')).toEqual([0]);
});

it('is switched off by a weight of 0', () => {
  expect(isActive({ weight: 0 }, { stepIndex: 0, steps: 1 }, 'webui')).toBe(false);
  expect(isActive({ weight: -1 }, { stepIndex: 0, steps: 1 }, 'webui')).toBe(true);
});
