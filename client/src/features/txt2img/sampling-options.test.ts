import { expect, test } from 'vitest';
import { samplerOptions, scheduleOptions } from './sampling-options.ts';

const samplers = [{ name: 'DPM++ 2M', aliases: [], defaultScheduler: 'Karras', description: '' }];
const schedules = ['Karras', 'Automatic', 'Uniform'].map((name) => ({ name, aliases: [], description: '' }));

test('Automatic leads, once, and says what it means', () => {
  const options = scheduleOptions(schedules, samplers, { sampler: 'DPM++ 2M', scheduler: 'Automatic' });
  expect(options.map(({ label }) => label)).toEqual(['Auto: Karras', 'Karras', 'Uniform']);
});

test('what is chosen is always among the choices', () => {
  expect(samplerOptions([], 'Euler a')).toEqual([{ value: 'Euler a', label: 'Euler a' }]);
});
