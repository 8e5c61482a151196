import type { JobSnapshot } from '@atelier/contract';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Home, isAlive, until, type ServerProcess } from './server-process.ts';

/**
 * A job of three pictures, and what it draws where nothing disturbs it. Where prompts may script failures its first
 * attempt stops for ever in the second picture, so that it can be found there however slow the machine is.
 */
const REQUEST = { batchCount: 3, steps: 4, prompt: 'a red apple !hang@3#1:8' };
let undisturbed: string[];
let home: Home;

beforeAll(async () => {
  const quiet = new Home();
  try {
    const server = await quiet.start({ failures: false });
    const { id } = await server.submit(REQUEST);
    await server.end(id);
    undisturbed = await server.pictures(id);
    expect(new Set(undisturbed).size).toBe(3);
  } finally {
    await quiet.clear();
  }
}, 300_000);
beforeEach(() => void (home = new Home()));
afterEach(() => home.clear());

/** The job is done, with the pictures it would have had; each is there, whole, and listed once; nothing else is. */
async function expectComplete(server: ServerProcess, job: JobSnapshot): Promise<void> {
  expect(job).toMatchObject({ state: 'succeeded', failure: null });
  expect(await server.pictures(job.id)).toEqual(undisturbed);
  const listed = await server.images();
  expect(listed.map(({ index }) => index).sort()).toEqual([0, 1, 2]);
  expect(listed.some(({ missing }) => missing)).toBe(false);
  expect([...home.files().keys()].sort()).toEqual(listed.map(({ name }) => name).sort());
  expect([...home.files().values()].sort()).toEqual([...undisturbed].sort());
}

test('a server killed in the middle of a job finishes it after the restart, with the same pictures, once', async () => {
  const first = await home.start();
  const { id, seq } = await first.submit(REQUEST);
  const before = await first.until(id, ({ images, progress }) => images.length === 1 && progress?.step === 2);
  await first.kill();

  const second = await home.start();
  const job = await second.end(id);
  await expectComplete(second, job);
  expect(job).toMatchObject({ attempt: 2, createdAt: before.createdAt });
  expect(job.images[0]).toEqual(before.images[0]);
  expect(job.seq).toBeGreaterThan(Math.max(seq, before.seq));
});

test('its worker ends with it, even while it is blocked', async () => {
  const first = await home.start();
  const { id } = await first.submit({ prompt: '!hang@2' });
  await first.until(id, ({ progress }) => progress?.step === 1);
  const pid = await first.workerPid();
  expect(isAlive(pid)).toBe(true);
  const killedAt = performance.now();
  await first.kill();
  await until(
    () => isAlive(pid),
    (alive) => !alive,
  );
  expect(performance.now() - killedAt).toBeLessThan(5000);
});

describe('killed while a picture is kept', () => {
  const places = [
    'begin',
    'intent',
    'draft-opened',
    'written',
    'linked',
    'placed',
    'draft-removed',
    'ready',
    'announced',
  ];
  test.each(places.map((place) => `${place}#2`))('at %s: none is lost or doubled', async (place) => {
    const env = { ATELIER_TEST_KILL_AT: `commit:${place}` };
    const first = await home.start({ env, failures: false });
    const { id } = await first.submit(REQUEST);
    expect(await first.ended).toMatchObject({ signal: 'SIGKILL' });

    const second = await home.start();
    await expectComplete(second, await second.end(id));
  });
});

test('accepted jobs are kept in their order, and none is run twice', async () => {
  const first = await home.start();
  const ids: string[] = [];
  for (let seed = 0; seed < 4; seed += 1)
    ids.push((await first.submit({ seed, prompt: 'a red apple !hang@2#1:1' })).id);
  await first.until(ids[1] as string, ({ state }) => state === 'running');
  await first.kill();

  const second = await home.start();
  const jobs = await Promise.all(ids.map((id) => second.end(id)));
  expect(jobs.map(({ state, attempt }) => [state, attempt])).toEqual([
    ['succeeded', 1],
    ['succeeded', 2],
    ['succeeded', 1],
    ['succeeded', 1],
  ]);
  const starts = jobs.map(({ startedAt }) => startedAt as string);
  expect(starts).toEqual([...starts].sort());
  expect(await second.images()).toHaveLength(4);
});

test('a job during which the server died three times is given up, and the next one runs', async () => {
  let id = '';
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const server = await home.start();
    if (attempt === 1) ({ id } = await server.submit({ prompt: '!hang@3' }));
    await server.until(id, (job) => job.attempt === attempt && job.progress?.step === 2);
    if (attempt === 3) await server.submit({ seed: 99 });
    await server.kill();
  }
  const last = await home.start();
  expect(await last.job(id)).toMatchObject({
    state: 'failed',
    attempt: 3,
    failure: { type: 'worker-crashed' },
  });
  const [next] = (await last.jobs()).jobs;
  expect(await last.end(next?.id as string)).toMatchObject({ state: 'succeeded', attempt: 1 });
});

test('a running job that was cancelled stays cancelled, although the server died before it stopped', async () => {
  const first = await home.start();
  const { id } = await first.submit({ prompt: '!hang@2' });
  await first.until(id, ({ progress }) => progress?.step === 1);
  expect(await first.cancel(id)).toMatchObject({ state: 'running' });
  await first.kill();
  const second = await home.start();
  expect(await second.job(id)).toMatchObject({ state: 'cancelled', failure: null });
});
