import { expect, test } from 'vitest';
import { sampleImage, sampleJob, sampleSettings } from '@atelier/contract/samples';
import { extent, standing } from './job-text.ts';

const progress = {
  stage: 'sampling',
  image: 1,
  images: 4,
  step: 3,
  steps: 20,
  fraction: 0.3,
  etaMs: 12_000,
} as const;

test.each([
  [sampleJob(1, { position: 0 }), 'Next'],
  [sampleJob(1, { position: 2 }), 'Waiting, 2 before it'],
  [sampleJob(1, { state: 'running' }), 'Starting'],
  [sampleJob(1, { state: 'running', progress }), 'Picture 2 of 4, step 3 of 20, about 12 s left'],
  [sampleJob(1, { state: 'cancelled', images: [sampleImage(1)] }), 'Stopped after 1 picture'],
  [
    sampleJob(1, {
      state: 'succeeded',
      startedAt: '2026-01-01T00:00:00Z',
      finishedAt: '2026-01-01T00:00:08Z',
    }),
    'Finished in 8 s',
  ],
])('says where a job stands', (job, text) => expect(standing(job)).toBe(text));

test('says how much a job is', () => {
  expect(extent(sampleJob(1))).toBe('128 × 128, 20 steps');
  expect(extent(sampleJob(1, { settings: sampleSettings({ batchCount: 2, batchSize: 3 }) }))).toMatch(
    /^6 pictures, /,
  );
});
