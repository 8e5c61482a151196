import { afterEach, beforeEach, expect, test } from 'vitest';
import { Home } from './server-process.ts';

let home: Home;
beforeEach(() => void (home = new Home()));
afterEach(() => home.clear());

test('a job whose worker is killed finishes with the pictures it would have had, once', async () => {
  const request = { batchCount: 2, prompt: 'a red apple !hang@3#1:8' };
  const calm = await home.start({ failures: false });
  const undisturbed = await calm.end((await calm.submit(request)).id);
  await calm.kill('SIGTERM');

  const server = await home.start(); // here the first attempt stops for ever in the second picture
  const { id } = await server.submit(request);
  await server.until(id, ({ images, progress }) => images.length === 1 && progress?.step === 2);
  const pid = await server.workerPid();
  process.kill(pid, 'SIGKILL');

  const job = await server.end(id);
  expect(job).toMatchObject({ state: 'succeeded', attempt: 2 });
  expect(await server.pictures(id)).toEqual(await server.pictures(undisturbed.id));
  expect(await server.images()).toHaveLength(4);
  expect((await server.health()).worker).toMatchObject({ restarts: 1 });
  expect(await server.workerPid()).not.toBe(pid);
});

test.each(['!crash@3#1', '!exit@3#1', '!junk@3#1', '!alloc@3#1'])(
  'a job survives one failure of its worker by %s',
  async (prompt) => {
    const server = await home.start();
    const { id } = await server.submit({ prompt });
    expect(await server.end(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  },
);

test('a job that always kills its worker fails after three attempts, and jobs of others go on', async () => {
  const server = await home.start();
  const bad = await server.submit({ prompt: '!crash@2' });
  const good = await server.submit({});
  expect(await server.end(bad.id)).toMatchObject({
    state: 'failed',
    attempt: 3,
    failure: { type: 'worker-crashed', title: 'The drawing process crashed' },
  });
  expect(await server.end(good.id)).toMatchObject({ state: 'succeeded' });
});

test('a worker that hangs is ended, and the server answers all the time', async () => {
  const server = await home.start({ options: { 'watchdog-step-ms': 2000, attempts: 1 } });
  const { id } = await server.submit({ prompt: '!hang@2' });
  let answers = 0;
  const job = await server.until(id, ({ progress, finishedAt }) => {
    if (progress?.step === 1) answers += 1;
    return finishedAt !== null;
  });
  expect(job).toMatchObject({ state: 'failed', attempt: 1, failure: { type: 'timeout' } });
  expect(answers).toBeGreaterThan(5);
  expect(await server.end((await server.submit({})).id)).toMatchObject({ state: 'succeeded' });
});

test('a running job stops within a step, and its worker goes on to the next', async () => {
  const server = await home.start({ options: { 'fake-step-ms': 200 } });
  const { id } = await server.submit({ steps: 100 });
  await server.until(id, ({ progress }) => (progress?.step ?? 0) >= 2);
  const pid = await server.workerPid();
  const askedAt = performance.now();
  await server.cancel(id);
  expect(await server.end(id)).toMatchObject({ state: 'cancelled' });
  expect(performance.now() - askedAt).toBeLessThan(90 * 200); // what the steps left would take
  expect(await server.end((await server.submit({ steps: 1 })).id)).toMatchObject({ state: 'succeeded' });
  expect(await server.workerPid()).toBe(pid);
});
