import { beforeEach, expect, test, vi } from 'vitest';
import { sampleJob, samplePreview, uuid } from '@atelier/contract/samples';
import { Jobs } from './jobs.svelte.ts';

const alive = new Set<string>();
beforeEach(() => {
  let next = 0;
  alive.clear();
  // jsdom has no blob addresses.
  vi.stubGlobal('URL', {
    createObjectURL: () => {
      const url = `blob:${next++}`;
      alive.add(url);
      return url;
    },
    revokeObjectURL: (url: string) => alive.delete(url),
  });
});

test('an older snapshot that arrives late is dropped', () => {
  const jobs = new Jobs();
  expect(jobs.apply(sampleJob(1, { state: 'running', seq: 5 }))).toBe(true);
  expect(jobs.apply(sampleJob(1, { state: 'queued', seq: 4 }))).toBe(false);
  expect(jobs.apply(sampleJob(1, { state: 'queued', seq: 5 }))).toBe(false);
  expect(jobs.get(uuid(1))?.state).toBe('running');
});

test('waiting jobs stand in the order they will run, ended ones newest first', () => {
  const jobs = new Jobs();
  jobs.apply(sampleJob(1, { position: 1 }));
  jobs.apply(sampleJob(2, { position: 0 }));
  jobs.apply(sampleJob(3, { state: 'failed', finishedAt: '2026-01-01T00:00:01.000Z' }));
  jobs.apply(sampleJob(4, { state: 'succeeded', finishedAt: '2026-01-01T00:00:02.000Z' }));
  jobs.apply(sampleJob(5, { state: 'running' }));
  expect(jobs.queued.map(({ id }) => id)).toEqual([uuid(2), uuid(1)]);
  expect(jobs.finished.map(({ id }) => id)).toEqual([uuid(4), uuid(3)]);
  expect(jobs.activeCount).toBe(3);
});

test('a fresh watch names the jobs that ended unseen', () => {
  const jobs = new Jobs();
  jobs.apply(sampleJob(1, { state: 'running', seq: 1 }));
  jobs.apply(sampleJob(2, { seq: 1 }));
  jobs.apply(sampleJob(3, { state: 'succeeded', seq: 1 }));
  expect(jobs.watched({ jobs: [sampleJob(2, { state: 'running', seq: 2 })], previews: [] })).toEqual([
    uuid(1),
  ]);
  expect(jobs.get(uuid(2))?.state).toBe('running');
});

test('a fresh watch brings the newest preview of a running job', () => {
  const jobs = new Jobs();
  jobs.watched({
    jobs: [sampleJob(1, { state: 'running', seq: 7 })],
    previews: [samplePreview(1, { step: 6, seq: 7 })],
  });
  expect(jobs.previews.of(uuid(1))).toMatchObject({ step: 6 });
});

test('an older preview that arrives late is dropped', () => {
  const jobs = new Jobs();
  jobs.apply(sampleJob(1, { state: 'running' }));
  jobs.preview(samplePreview(1, { step: 5, seq: 9 }));
  jobs.preview(samplePreview(1, { step: 4, seq: 8 }));
  jobs.preview(samplePreview(1, { step: 4, seq: 9 }));
  expect(jobs.previews.of(uuid(1))?.step).toBe(5);
});

test('the end of a job gives the memory of its previews back, and late ones stay out', () => {
  const jobs = new Jobs();
  jobs.apply(sampleJob(1, { state: 'running', seq: 1 }));
  for (const step of [1, 2, 3, 4]) jobs.preview(samplePreview(1, { step, seq: step }));
  expect(alive.size).toBe(2); // the current one, and the one that may be fading out
  jobs.apply(sampleJob(1, { state: 'succeeded', seq: 9 }));
  jobs.preview(samplePreview(1, { step: 5, seq: 8 }));
  expect(alive.size).toBe(0);
  expect(jobs.previews.of(uuid(1))).toBeNull();
});

test('history is bounded', () => {
  const jobs = new Jobs();
  for (let n = 0; n < 80; n++) jobs.apply(sampleJob(n, { state: 'succeeded' }));
  expect(jobs.finished).toHaveLength(50);
  expect(jobs.finished[0]?.id).toBe(uuid(79));
});
