import { beforeEach, expect, test, vi } from 'vitest';
import { FakeServer, problem } from '../../test/fake-server.ts';
import { sampleImage, sampleJob, sampleModel, sampleSettings, uuid } from '@atelier/contract/samples';
import { Api } from '../api/api.ts';
import { Studio } from './studio.svelte.ts';

async function studioOn(server: FakeServer): Promise<Studio> {
  server.models = [sampleModel('starter')];
  const studio = new Studio(new Api(server.fetch), server.socket);
  server.tell('connect');
  await studio.load();
  return studio;
}

beforeEach(() => localStorage.clear());

test('generate queues what the form shows', async () => {
  const server = new FakeServer();
  const studio = await studioOn(server);
  studio.form.prompt = 'a boat';
  expect(await studio.generate()).toBe(true);
  expect(server.requests.at(-1)?.body).toMatchObject({ prompt: 'a boat', model: 'starter', width: 512 });
  expect(studio.jobs.queued).toHaveLength(1);
});

test('a job asked for before the models are known waits for them, and takes their settings', async () => {
  const server = new FakeServer();
  server.models = [sampleModel('starter', { defaults: { width: 128, height: 128 } })];
  const studio = new Studio(new Api(server.fetch), server.socket);
  studio.form.prompt = 'a boat';
  const loading = studio.load();
  expect(await studio.generate()).toBe(true);
  expect(server.requests.at(-1)?.body).toMatchObject({ model: 'starter', width: 128 });
  await loading;
});

test('without a model nothing is sent, and the field says why', async () => {
  const server = new FakeServer();
  const studio = new Studio(new Api(server.fetch), server.socket);
  await studio.load();
  studio.form.prompt = 'a boat';
  expect(await studio.generate()).toBe(false);
  expect(studio.form.errors.model).toContain('models/checkpoints');
});

test('without a prompt nothing is sent, and the field says why', async () => {
  const server = new FakeServer();
  const studio = await studioOn(server);
  const before = server.requests.length;
  expect(await studio.generate()).toBe(false);
  expect(server.requests).toHaveLength(before);
  expect(studio.form.errors.prompt).toBeDefined();
});

test('a refusal shows beside its field and as a notice', async () => {
  const server = new FakeServer();
  const studio = await studioOn(server);
  studio.form.prompt = 'a boat';
  server.refuseWith = problem(422, 'invalid-request', 'Too much work.', {
    errors: [{ pointer: '/steps', detail: 'too many' }],
  });
  await studio.generate();
  expect(studio.form.errors).toEqual({ steps: 'too many' });
  expect(studio.toasts.list[0]).toMatchObject({ kind: 'error', detail: 'Too much work.' });
  server.refuseWith = null;
  await studio.generate();
  expect(studio.toasts.list).toEqual([]);
});

test('a page that opens in the middle of a job shows it', async () => {
  const server = new FakeServer();
  server.set(sampleJob(1, { state: 'running', seq: 8 }));
  const studio = await studioOn(server);
  expect(studio.current?.id).toBe(uuid(1));
});

test('the job that ended last stays on the stage until the next one runs', async () => {
  const server = new FakeServer();
  const studio = await studioOn(server);
  server.change(sampleJob(1, { state: 'running', seq: 1 }));
  server.change(sampleJob(1, { state: 'succeeded', seq: 2, images: [sampleImage(1)] }));
  expect(studio.current).toMatchObject({ id: uuid(1), state: 'succeeded' });
  expect(studio.images.list).toHaveLength(1);
  server.change(sampleJob(2, { state: 'running', seq: 1 }));
  expect(studio.current?.id).toBe(uuid(2));
});

test('a job that ended while the connection was lost is asked for', async () => {
  const server = new FakeServer();
  server.set(sampleJob(1, { state: 'running', seq: 3 }));
  const studio = await studioOn(server);
  server.tell('disconnect');
  expect(studio.realtime.connection).toBe('offline');
  server.set(sampleJob(1, { state: 'succeeded', seq: 9, images: [sampleImage(1)] }));
  server.tell('connect');
  await vi.waitFor(() => expect(studio.current?.state).toBe('succeeded'));
  expect(studio.realtime.connection).toBe('online');
  expect(studio.images.list).toHaveLength(1);
});

test('a failure that a reload of the history brings is noticed like any other', async () => {
  const server = new FakeServer();
  server.set(sampleJob(1, { state: 'running', seq: 3 }));
  const studio = await studioOn(server);
  const failure = { type: 'worker-crashed', title: 'Crashed', detail: 'Three times.', hint: null };
  server.set(sampleJob(1, { state: 'failed', seq: 9, failure }));
  await studio.load();
  expect(studio.current?.state).toBe('failed');
  expect(studio.toasts.list).toHaveLength(1);
});

test('a job that ended before the page was opened is history', async () => {
  const server = new FakeServer();
  const failure = { type: 'worker-crashed', title: 'Crashed', detail: 'Three times.', hint: null };
  server.set(sampleJob(1, { state: 'failed', seq: 9, failure }));
  const studio = await studioOn(server);
  expect(studio.current).toBeNull();
  expect(studio.toasts.list).toEqual([]);
});

test('a job that the server forgot vanishes', async () => {
  const server = new FakeServer();
  server.set(sampleJob(1, { state: 'running', seq: 3 }));
  const studio = await studioOn(server);
  server.jobs = [];
  server.tell('connect');
  await vi.waitFor(() => expect(studio.jobs.activeCount).toBe(0));
});

test('stop asks once, and is pending until the job says it ended', async () => {
  const server = new FakeServer();
  server.set(sampleJob(1, { state: 'running', seq: 3 }));
  const studio = await studioOn(server);
  await Promise.all([studio.stop(), studio.stop()]);
  expect(server.requests.filter(({ path }) => path.endsWith('/cancel'))).toHaveLength(1);
  expect(studio.stopping.has(uuid(1))).toBe(true);
  server.change(sampleJob(1, { state: 'cancelled', seq: 4 }));
  expect(studio.stopping.has(uuid(1))).toBe(false);
});

test('a stop that comes too late is no error', async () => {
  const server = new FakeServer();
  server.set(sampleJob(1, { state: 'running', seq: 3 }));
  const studio = await studioOn(server);
  server.set(sampleJob(1, { state: 'succeeded', seq: 4 }));
  await studio.stop();
  expect(studio.toasts.list).toEqual([]);
  expect(studio.current?.state).toBe('succeeded');
});

test('a failed job says what happened', async () => {
  const server = new FakeServer();
  const studio = await studioOn(server);
  const failure = {
    type: 'out-of-memory',
    title: 'Out of memory',
    detail: 'It needs 9 GB.',
    hint: 'Go smaller.',
  };
  server.change(sampleJob(1, { state: 'running', seq: 1 }));
  server.change(sampleJob(1, { state: 'failed', seq: 2, failure }));
  expect(studio.toasts.list[0]).toMatchObject({ title: 'Out of memory', hint: 'Go smaller.' });
});

test("a picture's settings carry its own seed, and are unknown once its job is", async () => {
  const server = new FakeServer();
  const studio = await studioOn(server);
  server.set(sampleJob(1, { state: 'succeeded', settings: sampleSettings({ seed: 5, batchSize: 2 }) }));
  expect(await studio.settingsOf(sampleImage(1, { index: 1, seed: 6 }))).toMatchObject({
    seed: 6,
    batchSize: 2,
  });
  expect(await studio.settingsOf(sampleImage(2))).toBeNull();
});

test('a model dropped into the folder appears by itself', async () => {
  const server = new FakeServer();
  const studio = await studioOn(server);
  server.models = [...server.models, sampleModel('new')];
  server.tell('models:changed');
  await vi.waitFor(() => expect(studio.catalogue.models).toHaveLength(2));
});
