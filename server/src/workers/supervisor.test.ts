import { sampleSettings } from '@atelier/contract/samples';
import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { fakeWorker, workerEntry } from '../../test/fake-worker.ts';
import type { DrawEvent, DrawingWorker, DrawOutcome, DrawTask } from './worker.ts';

let entry: string;
let worker: DrawingWorker;

beforeAll(() => void (entry = workerEntry()), 300_000);
afterEach(() => worker.stop());

async function started({ stepMs = 5, watchdog = {}, entryFile = entry } = {}): Promise<DrawingWorker> {
  worker = fakeWorker({ stepMs, watchdog, entry: entryFile });
  worker.start();
  if (entryFile === entry) await worker.ready();
  return worker;
}

const task = (prompt: string, change: Partial<DrawTask> & { steps?: number } = {}): DrawTask => ({
  jobId: 'job',
  claim: 1,
  attempt: 1,
  settings: sampleSettings({
    prompt,
    model: 'fake',
    width: 64,
    height: 64,
    seed: 1,
    steps: change.steps ?? 4,
  }),
  modelPath: '',
  pictures: [{ index: 0, seed: 1 }],
  ...change,
});

async function drawn(
  work: DrawTask,
): Promise<{ outcome: DrawOutcome; events: DrawEvent[]; pictures: Uint8Array[] }> {
  const events: DrawEvent[] = [];
  const outcome = await worker.draw(work, (event) => events.push(event));
  const pictures = events.filter((event) => event.type === 'picture').map(({ png }) => png);
  return { outcome, events, pictures };
}

test('tells of each step of each picture, and hands the pictures over', async () => {
  await started();
  const pictures = [
    { index: 3, seed: 8 },
    { index: 5, seed: 9 },
  ];
  const { outcome, events } = await drawn(task('a red apple', { pictures, steps: 2 }));
  expect(outcome).toEqual({ type: 'done' });
  const told = events.map((event) => ('image' in event ? `${event.type} ${event.image}` : event.type));
  const once = (image: number): string[] => [
    `encoding ${image}`,
    'loading',
    `conditioned ${image}`,
    `step ${image}`,
    `step ${image}`,
    `decoding ${image}`,
    `picture ${image}`,
  ];
  expect(told.filter((line) => !line.startsWith('preview'))).toEqual([...once(3), ...once(5)]);
  expect(told).toContain('preview 3');
  expect(worker.status()).toMatchObject({ state: 'ready', restarts: 0 });
});

test('draws the same picture for the same seed, whatever else the task holds', async () => {
  await started();
  const together = await drawn(task('apple', { pictures: [1, 2].map((seed, index) => ({ index, seed })) }));
  const alone = await drawn(task('apple', { pictures: [{ index: 0, seed: 2 }] }));
  const other = await drawn(task('pear', { pictures: [{ index: 0, seed: 2 }] }));
  expect(alone.pictures[0]).toEqual(together.pictures[1]);
  expect(alone.pictures[0]).not.toEqual(together.pictures[0]);
  expect(alone.pictures[0]).not.toEqual(other.pictures[0]);
});

test.each([
  ['!crash@2', 'worker-crashed', 'SIGKILL'],
  ['!exit@2', 'worker-crashed', 'code 3'],
  ['!junk@2', 'worker-crashed', 'no sense'],
  ['!alloc@2', 'out-of-memory', 'memory'],
])('survives a worker that fails by %s, and replaces it', async (prompt, type, words) => {
  await started();
  const { pid } = worker.status();
  const { outcome } = await drawn(task(prompt));
  expect(outcome).toMatchObject({ type: 'crashed', failure: { type } });
  expect((outcome as { failure: { detail: string } }).failure.detail).toContain(words);
  await worker.ready();
  expect(worker.status()).toMatchObject({ state: 'ready', restarts: 1 });
  expect(worker.status().pid).not.toBe(pid);
  expect((await drawn(task('an apple'))).outcome).toEqual({ type: 'done' });
});

test('ends a worker that hangs between steps', async () => {
  await started({ watchdog: { stepMs: 300 } });
  const { outcome, events } = await drawn(task('!hang@3'));
  expect(outcome).toMatchObject({ type: 'crashed', failure: { type: 'timeout' } });
  expect(events.filter(({ type }) => type === 'step')).toHaveLength(2);
  await worker.ready();
});

test('ends a worker that does not get done with a job, and says that trying again is no use', async () => {
  await started({ stepMs: 50, watchdog: { jobMs: 400 } });
  const { outcome } = await drawn(task('an apple', { steps: 100 }));
  expect(outcome).toMatchObject({ type: 'expired', failure: { type: 'timeout' } });
});

test('cancels within one step, and the worker lives on', async () => {
  await started({ stepMs: 100 });
  const { pid } = worker.status();
  const events: DrawEvent[] = [];
  const outcome = await worker.draw(task('an apple', { steps: 100 }), (event) => {
    events.push(event);
    if (event.type === 'step' && event.step === 2) worker.cancel();
  });
  expect(outcome).toEqual({ type: 'cancelled' });
  expect(events.filter(({ type }) => type === 'step')).toHaveLength(2);
  expect(worker.status()).toMatchObject({ state: 'ready', pid });
});

test('ends a worker that does not heed cancelling in time', async () => {
  await started();
  const drawing = drawn(task('!hang@1'));
  worker.cancel(200);
  expect((await drawing).outcome).toEqual({ type: 'cancelled' });
});

test('says where there was no worker to begin with', async () => {
  await started();
  await worker.stop();
  expect((await drawn(task('an apple'))).outcome).toEqual({ type: 'unavailable' });
  expect(worker.status()).toMatchObject({ state: 'stopped', pid: null });
  await expect(worker.ready()).rejects.toThrow('stopped');
});

test('waits longer and longer for a worker that cannot start, and stops at once all the same', async () => {
  await started({ entryFile: '/nowhere/worker-entry.js' });
  await expect.poll(() => worker.status().restarts, { timeout: 10_000 }).toBeGreaterThan(1);
  expect(worker.status().state).toBe('restarting');
  const waiting = expect(worker.ready()).rejects.toThrow('stopped');
  await worker.stop();
  await waiting;
});

test.skipIf(process.platform !== 'linux')(
  'gives the worker nothing of the environment but what a program needs to run',
  async () => {
    process.env['ATELIER_SECRET'] = 'hush';
    try {
      await started();
      const environment = readFileSync(`/proc/${worker.status().pid}/environ`, 'utf8');
      expect(environment).toContain('PATH=');
      expect(environment).not.toContain('hush');
    } finally {
      delete process.env['ATELIER_SECRET'];
    }
  },
);
