import type { GenerationSettings, ImageView, JobPreview, JobSnapshot } from '@atelier/contract';
import { sampleSettings } from '@atelier/contract/samples';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { fakeWorker, workerEntry } from '../../test/fake-worker.ts';
import { silent } from '../../test/http/fakes.ts';
import { AppError } from '../errors.ts';
import { createEvents, type Events } from '../events.ts';
import { createGallery } from '../gallery/create-gallery.ts';
import type { PictureStore } from '../gallery/picture-store.ts';
import type { Library } from '../library/library.ts';
import { openStorage, type Storage } from '../storage/open-storage.ts';
import type { DrawingWorker } from '../workers/worker.ts';
import { createQueue } from './create-queue.ts';
import type { JobQueue } from './job-queue.ts';

const library: Pick<Library, 'resolve' | 'shortHash'> = {
  resolve: (name = 'fake') =>
    name === 'fake'
      ? Promise.resolve({ view: { name } as never, path: '' })
      : Promise.reject(
          new AppError('model-not-found', { detail: `There is no model ${name}.`, hint: 'Take fake.' }),
        ),
  shortHash: () => Promise.resolve('0123456789'),
};

let entry: string;
let folder: string;
let storage: Storage;
let gallery: PictureStore;
let worker: DrawingWorker;
let queue: JobQueue;
let events: Events;
let changes: JobSnapshot[];
let previews: JobPreview[];
let added: ImageView[];
let waiting: { id: string; test: (job: JobSnapshot) => boolean; resolve: (job: JobSnapshot) => void }[];

beforeAll(() => void (entry = workerEntry()), 300_000);
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'atelier-queue-'))));
afterEach(async () => {
  await close();
  rmSync(folder, { recursive: true, force: true });
});

const LIMITS = { queuedPerUser: 100, queuedTotal: 1000, minFreeBytes: 0, attempts: 3 };

async function open({ stepMs = 1, limits = {}, start = true } = {}): Promise<void> {
  events = createEvents();
  changes = [];
  previews = [];
  added = [];
  waiting = [];
  events.on('job:changed', (job) => {
    changes.push(job);
    for (const wait of waiting) if (wait.id === job.id && wait.test(job)) wait.resolve(job);
  });
  events.on('job:preview', (preview) => previews.push(preview));
  events.on('image:added', (image) => added.push(image));
  storage = await openStorage(join(folder, 'data'), silent);
  const outputsDir = join(folder, 'outputs');
  gallery = createGallery({ storage, events, log: silent, outputsDir });
  worker = fakeWorker({ stepMs, modelsDir: join(folder, 'models'), entry });
  const config = { limits: { ...LIMITS, ...limits }, outputsDir };
  queue = createQueue({ storage, gallery, worker, library, events, config, version: '9.9', log: silent });
  await gallery.start();
  if (!start) return;
  worker.start();
  await queue.start();
}

async function close(graceMs = 0): Promise<void> {
  await queue.stop(graceMs);
  await worker.stop();
  await gallery.close();
  await storage.close();
}

const settings = (change: Partial<GenerationSettings> = {}): GenerationSettings =>
  sampleSettings({ model: 'fake', steps: 3, width: 64, height: 64, seed: 1, ...change });
const submit = (change: Partial<GenerationSettings> = {}): Promise<JobSnapshot> =>
  queue.submit(settings(change));
const until = (id: string, test: (job: JobSnapshot) => boolean): Promise<JobSnapshot> =>
  new Promise((resolve) => {
    const seen = changes.find((job) => job.id === id && test(job));
    if (seen !== undefined) resolve(seen);
    else waiting.push({ id, test, resolve });
  });
const ended = (id: string): Promise<JobSnapshot> => until(id, ({ finishedAt }) => finishedAt !== null);
const reachesStep = (id: string, step: number): Promise<JobSnapshot> =>
  until(id, ({ progress }) => (progress?.step ?? 0) >= step);

test('draws a job: queued, running, succeeded, with its pictures', async () => {
  await open();
  const accepted = await submit({ batchSize: 2, batchCount: 2, seed: 2 ** 32 - 2 });
  expect(accepted).toMatchObject({ state: 'queued', position: 0, progress: null, images: [], attempt: 0 });
  const job = await ended(accepted.id);
  expect(job).toMatchObject({
    state: 'succeeded',
    attempt: 1,
    progress: null,
    failure: null,
    position: null,
  });
  expect(job.images.map(({ index, seed }) => [index, seed])).toEqual([
    [0, 2 ** 32 - 2],
    [1, 2 ** 32 - 1],
    [2, 0],
    [3, 1],
  ]);
  expect(job.images[3]?.parameters).toBe(
    'a red apple\nSteps: 3, Sampler: Euler a, Schedule type: Automatic, CFG scale: 7, Seed: 1, Size: 64x64, ' +
      'Model hash: 0123456789, Model: fake, RNG: CPU, Version: Atelier 9.9',
  );
  expect(added).toEqual(job.images);
  expect(await queue.find(job.id)).toEqual(job);
});

test('numbers what it tells of a job, ever upwards, and shows progress and previews on the way', async () => {
  await open({ stepMs: 60 });
  const { id } = await submit({ steps: 100 }); // long enough for two previews also where making one is slow
  await ended(id);
  const told = changes.filter((job) => job.id === id);
  const numbers = told.map(({ seq }) => seq);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  const fractions = told.flatMap(({ progress }) => progress?.fraction ?? []);
  expect(fractions.length).toBeGreaterThan(4);
  expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  expect(told.some(({ progress }) => (progress?.etaMs ?? 0) > 0)).toBe(true);
  expect(previews.length).toBeGreaterThanOrEqual(2);
  expect(new Set(previews.map(({ data }) => Buffer.from(data).toString('base64'))).size).toBe(
    previews.length,
  );
  expect(previews.every(({ jobId }) => jobId === id)).toBe(true);
  expect(queue.previews()).toEqual([]);
});

test('what is told last of a job, by number, is how it ended', async () => {
  await open({ stepMs: 1 });
  const jobs: JobSnapshot[] = [];
  for (let seed = 0; seed < 12; seed += 1) jobs.push(await submit({ seed, steps: 2 + (seed % 5) }));
  await until(jobs[3]?.id as string, ({ state }) => state === 'running');
  await queue.cancel(jobs[10]?.id as string);
  await Promise.all(jobs.map(({ id }) => ended(id)));
  await queue.stop(0);
  for (const { id } of jobs) {
    const told = changes.filter((job) => job.id === id);
    const last = told.reduce((a, b) => (b.seq > a.seq ? b : a));
    expect(last.state).toBe(id === jobs[10]?.id ? 'cancelled' : 'succeeded');
    expect(new Set(told.map(({ seq }) => seq)).size).toBe(told.length);
  }
});

test('tells of progress at most ten times a second', async () => {
  await open({ stepMs: 1 });
  const started = performance.now();
  const { id } = await submit({ steps: 150, batchSize: 3 });
  await ended(id);
  const seconds = (performance.now() - started) / 1000;
  const running = changes.filter((job) => job.id === id && job.state === 'running');
  expect(running.length).toBeLessThan(seconds * 10 + 3);
});

test('runs jobs in order of arrival, and tells those that wait how they move up', async () => {
  await open({ stepMs: 100 });
  // Long enough that a job still waits when the places of those that wait are next told.
  const steps = 30;
  const jobs = [await submit({ steps }), await submit({ steps }), await submit({ steps })];
  expect(jobs.map(({ position }) => position)).toEqual([0, expect.any(Number), expect.any(Number)]);
  await until(jobs[2]?.id as string, ({ position }) => position === 0);
  const ends = await Promise.all(jobs.map(({ id }) => ended(id)));
  const starts = ends.map(({ startedAt }) => startedAt as string);
  expect(starts).toEqual([...starts].sort());
});

test('cancels a waiting job, which then never runs, and a running one at its next step', async () => {
  await open({ stepMs: 50 });
  const running = await submit({ steps: 100 });
  const next = await submit();
  await reachesStep(running.id, 2);
  expect(await queue.cancel(next.id)).toMatchObject({ state: 'cancelled', images: [], attempt: 0 });
  await queue.cancel(running.id);
  expect(await ended(running.id)).toMatchObject({ state: 'cancelled', failure: null, images: [] });
  const last = await submit();
  expect(await ended(last.id)).toMatchObject({ state: 'succeeded' });
  expect(await queue.find(next.id)).toMatchObject({ state: 'cancelled', startedAt: null });
  for (const { id } of [running, next, last]) {
    await expect(queue.cancel(id)).rejects.toMatchObject({ type: 'conflict' });
  }
  await expect(queue.cancel(crypto.randomUUID())).rejects.toMatchObject({ type: 'not-found' });
});

test('takes a cancellation that comes with the last picture for what it is: too late', async () => {
  await open();
  for (let seed = 0; seed < 5; seed += 1) {
    const { id } = await submit({ seed });
    const cancelling = new Promise((resolve) => {
      events.once('image:added', () => resolve(queue.cancel(id).catch((error: unknown) => error)));
    });
    expect(await ended(id)).toMatchObject({ state: 'succeeded', attempt: 1, images: [{ index: 0 }] });
    await cancelling;
  }
});

test('keeps the pictures that a cancelled job had finished', async () => {
  await open({ stepMs: 30 });
  const { id } = await submit({ batchCount: 50 });
  await until(id, ({ images }) => images.length === 2);
  await queue.cancel(id);
  const { images, state } = await ended(id);
  expect(state).toBe('cancelled');
  expect(images.length).toBeGreaterThanOrEqual(2);
  expect((await gallery.list({ limit: 200 })).images).toHaveLength(images.length);
});

test('tries a job that kills its worker three times, and goes on with the next', async () => {
  await open();
  const bad = await submit({ prompt: '!crash@2' });
  const good = await submit();
  expect(await ended(bad.id)).toMatchObject({
    state: 'failed',
    attempt: 3,
    failure: { type: 'worker-crashed', detail: expect.stringContaining('tried 3 times') as string },
  });
  expect(await ended(good.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(worker.status().restarts).toBe(3);
});

test('finishes a job whose worker died once, and draws only the pictures that were missing', async () => {
  await open({ stepMs: 20 });
  const undisturbed = await ended((await submit({ prompt: 'apple', batchCount: 3, steps: 5 })).id);
  const { id } = await submit({ prompt: 'apple', batchCount: 3, steps: 5 });
  await until(id, ({ images }) => images.length > 0);
  process.kill(worker.status().pid as number, 'SIGKILL');
  const job = await ended(id);
  expect(job).toMatchObject({ state: 'succeeded', attempt: 2 });
  const hashes = async ({ images }: JobSnapshot): Promise<string[]> =>
    Promise.all(images.map(async (image) => (await gallery.file(image.id)).etag));
  expect(await hashes(job)).toEqual(await hashes(undisturbed));
  expect((await gallery.list({ limit: 200 })).images).toHaveLength(6);
});

test('tells what the engine or the library says of a job it cannot draw', async () => {
  await open();
  const job = await ended((await submit({ model: 'gone' })).id);
  expect(job).toMatchObject({
    state: 'failed',
    failure: {
      type: 'model-not-found',
      title: 'No such model',
      detail: 'There is no model gone.',
      hint: 'Take fake.',
    },
  });
});

test('answers the same job for the same key and body, and refuses another body', async () => {
  await open();
  const key = { key: 'k', bodyHash: 'a' };
  const [first, second] = await Promise.all([queue.submit(settings(), key), queue.submit(settings(), key)]);
  expect(second.id).toBe(first.id);
  await ended(first.id);
  await close();
  await open();
  expect((await queue.submit(settings({ seed: 5 }), key)).id).toBe(first.id);
  expect((await queue.findByKey(key))?.id).toBe(first.id);
  const reuse = { type: 'idempotency-key-reuse' };
  await expect(queue.submit(settings(), { ...key, bodyHash: 'b' })).rejects.toMatchObject(reuse);
  await expect(queue.findByKey({ ...key, bodyHash: 'b' })).rejects.toMatchObject(reuse);
  expect(await queue.findByKey({ key: 'other', bodyHash: 'a' })).toBeNull();
});

test('keeps keys for a day, and forgets them some time after', async () => {
  await open({ start: false });
  const key = { key: 'k', bodyHash: 'a' };
  const age = async (hours: number): Promise<void> => {
    const time = new Date(Date.now() - hours * 3_600_000).toISOString();
    await sql`UPDATE idempotency_keys SET created_at = ${time} WHERE key = 'k'`.execute(storage.db);
    await queue.submit(settings(), { key: `k${hours}`, bodyHash: 'a' });
  };
  const { id } = await queue.submit(settings(), key);
  await age(24);
  expect((await queue.findByKey(key))?.id).toBe(id);
  await age(26);
  expect(await queue.findByKey(key)).toBeNull();
});

test('refuses more jobs than may wait, before storing them', async () => {
  await open({ start: false, limits: { queuedPerUser: 2 } });
  await submit();
  await submit();
  await expect(submit()).rejects.toMatchObject({ type: 'queue-full', facts: { retryAfterS: 30 } });
  expect(await queue.counts()).toEqual({ queued: 2, running: 0 });
});

test('refuses jobs while the disk is almost full', async () => {
  await open({ start: false, limits: { minFreeBytes: 2 ** 60 } });
  await expect(submit()).rejects.toMatchObject({ type: 'insufficient-storage' });
  expect(await queue.counts()).toEqual({ queued: 0, running: 0 });
});

test('pages through jobs, newest first, and through active ones in the order they run', async () => {
  await open({ start: false });
  const ids: string[] = [];
  for (let seed = 0; seed < 5; seed += 1) ids.push((await submit({ seed })).id);
  const walk = async (active: boolean): Promise<string[]> => {
    const found: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await queue.list({
        limit: 2,
        ...(active ? { active } : {}),
        ...(cursor ? { cursor } : {}),
      });
      found.push(...page.jobs.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    return found;
  };
  expect(await walk(false)).toEqual([...ids].reverse());
  expect(await walk(true)).toEqual(ids);
  expect((await queue.list({ limit: 9, active: true })).jobs.map(({ position }) => position)).toEqual([
    0, 1, 2, 3, 4,
  ]);
  await expect(queue.list({ limit: 2, cursor: '-1' })).rejects.toMatchObject({ type: 'invalid-request' });
});

test('stopped in the middle, lets the picture in work finish and keeps the rest for later, uncounted', async () => {
  await open({ stepMs: 100 });
  const { id } = await submit({ batchCount: 4, steps: 12 });
  await until(id, ({ images, progress }) => images.length === 1 && progress?.image === 1);
  const stopping = close(30_000);
  await expect(submit()).rejects.toMatchObject({ type: 'not-ready' });
  await stopping;
  await open({ start: false });
  const left = await queue.find(id);
  expect(left).toMatchObject({ state: 'queued', attempt: 0, failure: null });
  expect(left?.images.map(({ index }) => index)).toEqual([0, 1]);
  worker.start();
  await queue.start();
  expect(await ended(id)).toMatchObject({ state: 'succeeded', attempt: 1 });
});

test('stopped without patience, puts the job back at once', async () => {
  await open({ stepMs: 50 });
  const { id, seq } = await submit({ steps: 150 });
  await reachesStep(id, 2);
  const started = performance.now();
  await close(0);
  expect(performance.now() - started).toBeLessThan(148 * 50); // what the steps left would take
  const last = changes.at(-1)?.seq ?? seq;
  await open({ start: false });
  expect(await queue.find(id)).toMatchObject({ state: 'queued', attempt: 0 });
  expect((await queue.find(id))?.seq).toBeGreaterThanOrEqual(last);
});

test('stopped while the worker cannot start, does not wait for it', async () => {
  await open({ start: false });
  await queue.start();
  await submit();
  await close(30_000);
  await open({ start: false });
  expect(await queue.counts()).toEqual({ queued: 1, running: 0 });
});
