import { afterEach, beforeEach, expect, test } from 'vitest';
import { Home, isAlive } from './server-process.ts';

let home: Home;
beforeEach(() => void (home = new Home()));
afterEach(() => home.clear());

test('a clean stop lets the picture in work finish, and does not count as an attempt', async () => {
  const first = await home.start({ options: { 'fake-step-ms': 60 } });
  const { id } = await first.submit({ batchCount: 10, steps: 6 });
  const { images } = await first.until(
    id,
    ({ progress }) => (progress?.image ?? 0) > 0 && (progress?.step ?? 0) > 0,
  );
  const pid = await first.workerPid();
  expect(await first.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(isAlive(pid)).toBe(false);
  const kept = home.files().size;
  expect(kept).toBeGreaterThan(images.length);
  expect(kept).toBeLessThan(10);

  const second = await home.start();
  const job = await second.end(id);
  expect(job).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(job.images.map(({ index }) => index)).toEqual(Array.from({ length: 10 }, (_, index) => index));
});

test('a clean stop does not wait longer than it is given', async () => {
  const first = await home.start({ options: { 'fake-step-ms': 100, 'stop-grace-ms': 300 } });
  const { id } = await first.submit({ steps: 150 });
  await first.until(id, ({ progress }) => (progress?.step ?? 0) > 1);
  const askedAt = performance.now();
  expect(await first.kill('SIGTERM')).toMatchObject({ code: 0 });
  expect(performance.now() - askedAt).toBeLessThan(140 * 100); // what the steps left would take

  const second = await home.start({ options: { 'fake-step-ms': 0 } });
  expect(await second.end(id)).toMatchObject({ state: 'succeeded', attempt: 1 });
});

test('a clean stop ends a worker that hangs', async () => {
  const first = await home.start({ options: { 'stop-grace-ms': 100 } });
  const { id } = await first.submit({ prompt: '!hang@2#1' });
  await first.until(id, ({ progress }) => progress?.step === 1);
  expect(await first.kill('SIGTERM')).toMatchObject({ code: 0 });
});

test('a second server on the same data folder is refused, and disturbs nothing', async () => {
  const first = await home.start({ options: { 'fake-step-ms': 50 } });
  const { id } = await first.submit({ steps: 10 });
  const { code, said } = await home.startInVain();
  expect(code).not.toBe(0);
  expect(said).toContain('Another server is using the data folder');
  expect(said).not.toContain('    at ');
  expect(await first.end(id)).toMatchObject({ state: 'succeeded', attempt: 1 });
});

test('an error that nobody catches stops the server with an exit code of its own, and costs no job', async () => {
  // Thrown from outside: the program has no place that is known to fail.
  const fail = "process.on('SIGUSR2', () => { throw new Error('nobody catches this'); })";
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fail)}` };
  const first = await home.start({ env, options: { 'stop-grace-ms': 0 } });
  const { id } = await first.submit({ prompt: '!hang@3#1' });
  await first.until(id, ({ progress }) => progress?.step === 2);
  const pid = await first.workerPid();
  expect(await first.kill('SIGUSR2')).toEqual({ code: 70, signal: null });
  expect(first.said).toContain('An error was not caught');
  expect(first.said).toContain('nobody catches this');
  expect(isAlive(pid)).toBe(false);

  const second = await home.start({ failures: false });
  expect(await second.end(id)).toMatchObject({ state: 'succeeded' });
});
