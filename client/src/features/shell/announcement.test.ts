import { expect, test } from 'vitest';
import { sampleImage, sampleJob } from '@atelier/contract/samples';
import { announcement } from './announcement.ts';

const running = (fraction: number) =>
  sampleJob(1, {
    state: 'running',
    progress: { stage: 'sampling', image: 0, images: 1, step: 1, steps: 20, fraction, etaMs: null },
  });

test('progress is told in quarters, not in steps', () => {
  const told = new Set(Array.from({ length: 101 }, (_, index) => announcement(running(index / 101))));
  expect([...told]).toEqual([0, 25, 50, 75].map((quarter) => `Drawing, ${quarter} percent`));
});

test('the end is told, with its reason when it failed', () => {
  expect(announcement(sampleJob(1, { state: 'succeeded', images: [sampleImage(1)] }))).toBe(
    'The picture is finished',
  );
  const failure = { type: 'internal', title: 'Oh', detail: 'The disk is full.', hint: null };
  expect(announcement(sampleJob(1, { state: 'failed', failure }))).toContain('The disk is full.');
});
