import { expect, test } from 'vitest';
import { FakeServer, problem } from '../../test/fake-server.ts';
import { ApiError } from './api-error.ts';
import { Api } from './api.ts';

const failure = (work: Promise<unknown>): Promise<ApiError> =>
  work.then(
    () => {
      throw new Error('It succeeded.');
    },
    (error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      return error;
    },
  );

test('a refused request names the field, what was wrong and what to do', async () => {
  const server = new FakeServer();
  server.refuseWith = problem(
    422,
    'invalid-request',
    'Expected width to be a multiple of 8 but received 515.',
    {
      hint: 'Use 512 or 520.',
      errors: [
        { pointer: '/width', detail: 'must be a multiple of 8' },
        { pointer: '/width', detail: 'a second remark' },
      ],
    },
  );
  const error = await failure(new Api(server.fetch).createJob({ prompt: 'a' }));
  expect(error).toMatchObject({ status: 422, type: 'invalid-request', hint: 'Use 512 or 520.' });
  expect(error.message).toContain('received 515');
  expect(error.fields).toEqual({ width: 'must be a multiple of 8' });
});

test('no answer at all becomes a sentence', async () => {
  const server = new FakeServer();
  server.reachable = false;
  const error = await failure(new Api(server.fetch).models());
  expect(error).toMatchObject({ status: 0, type: 'unreachable' });
  expect(error.cause).toBeInstanceOf(TypeError);
});

test("an answer that is not ours, as a proxy's page, still says its status", async () => {
  const fetch = async (): Promise<Response> => new Response('<h1>Bad gateway</h1>', { status: 502 });
  expect((await failure(new Api(fetch).models())).message).toContain('502');
});

test('two requests carry two idempotency keys', async () => {
  const server = new FakeServer();
  const api = new Api(server.fetch);
  await api.createJob({ prompt: 'a' });
  await api.createJob({ prompt: 'a' });
  const keys = server.requests.map(({ headers }) => headers.get('Idempotency-Key'));
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[0]).not.toBe(keys[1]);
});
