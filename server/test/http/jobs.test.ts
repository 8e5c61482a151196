import { GenerationSettings, JobList, JobSnapshot, Problem } from '@atelier/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MemoryLibrary } from './fakes.ts';
import { get, post, send, type Answer } from './send.ts';
import { startApp, type StartedApp } from './start-app.ts';

const JOBS = '/api/v1/jobs';
let app: StartedApp;
const library = new MemoryLibrary(
  {
    name: 'atelier-starter',
    defaults: { width: 128, height: 128, steps: 12, sampler: 'dpmpp_2m', cfgScale: 5 },
  },
  { name: 'Anime/Größe' },
  { name: 'broken', problem: { type: 'model-invalid', detail: 'Expected 9 bytes but has 3.', hint: null } },
);
beforeAll(async () => {
  app = await startApp({ library });
});
afterAll(() => app.close());
beforeEach(() => void app.queue.jobs.splice(0));

const draw = (body: unknown, headers?: Record<string, string>): Promise<Answer> =>
  post(app.base, JOBS, body, headers);

/** Checks the shape of a refusal and that nothing was queued for it. */
function refusal(answer: Answer, status: number, type: string): Problem {
  expect(answer.status, answer.text).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  const problem = Problem.parse(answer.json);
  expect(problem).toMatchObject({ status, type, instance: answer.headers['x-request-id'] });
  expect(answer.text).not.toMatch(/node_modules|\.ts:|\/(?:work|home|tmp|nowhere)\//);
  expect(app.queue.jobs).toHaveLength(0);
  return problem;
}
const pointers = (problem: Problem): string[] => (problem.errors ?? []).map(({ pointer }) => pointer);

describe('POST /api/v1/jobs', () => {
  it('takes a prompt and fills the rest from the model, then from the defaults', async () => {
    const answer = await draw({ prompt: 'a red apple' });
    expect(answer.status, answer.text).toBe(202);
    const job = JobSnapshot.parse(answer.json);
    expect(answer.headers.location).toBe(`${JOBS}/${job.id}`);
    expect(job.settings).toMatchObject({
      prompt: 'a red apple',
      negativePrompt: '',
      model: 'atelier-starter',
      sampler: 'DPM++ 2M',
      scheduler: 'Automatic',
      steps: 12,
      width: 128,
      height: 128,
      cfgScale: 5,
      batchSize: 1,
      batchCount: 1,
    });
    expect(GenerationSettings.parse(job.settings).seed).toBeGreaterThanOrEqual(0);
  });

  it('lets the request win over the model, and stores names as they are spelled in the lists', async () => {
    const body = {
      prompt: '',
      model: 'ANIME/grösse.SAFETENSORS'.replace('grösse', 'größe'),
      sampler: 'K_Euler_A',
      scheduler: 'karras',
    };
    const { settings } = JobSnapshot.parse((await draw({ ...body, steps: 3, width: 64, seed: 0 })).json);
    expect(settings).toMatchObject({
      model: 'Anime/Größe',
      sampler: 'Euler a',
      scheduler: 'Karras',
      steps: 3,
      width: 64,
      height: 512,
      seed: 0,
    });
  });

  it('draws another seed each time where none is given', async () => {
    const seeds = new Set<number>();
    for (let i = 0; i < 8; i++) seeds.add((await draw({ prompt: 'x' })).json.settings.seed);
    expect(seeds.size).toBeGreaterThan(6);
  });

  it.each([
    [{ width: 7 }, ['/width']],
    [{ width: 100 }, ['/width']],
    [{ height: 4096 }, ['/height']],
    [{ steps: 10_000 }, ['/steps']],
    [{ steps: 0 }, ['/steps']],
    [{ steps: 1.5 }, ['/steps']],
    [{ steps: '20' }, ['/steps']],
    [{ cfgScale: -1 }, ['/cfgScale']],
    [{ seed: 2 ** 32 }, ['/seed']],
    [{ batchSize: 9 }, ['/batchSize']],
    [{ prompt: 7 }, ['/prompt']],
    [{ prompt: 'x'.repeat(20_001) }, ['/prompt']],
    [
      { width: 7, steps: 10_000, sampler: 'nonsense', scheduler: 'nonsense', extra: 1, 'a/b~': 2 },
      ['/a~1b~0', '/extra', '/sampler', '/scheduler', '/steps', '/width'],
    ],
    [{ batchSize: 8, batchCount: 100 }, ['/batchCount']],
    [{ steps: 150, width: 2048, height: 2048, batchSize: 8, batchCount: 12 }, ['/steps']],
  ])('refuses %j and names every wrong field', async (fields, expected) => {
    const problem = refusal(await draw({ prompt: 'x', ...fields }), 422, 'invalid-request');
    const named = pointers(problem).filter((pointer, i, all) => all.indexOf(pointer) === i);
    expect(named.sort()).toEqual(expected);
  });

  it('says what was expected and what came', async () => {
    const { errors } = refusal(
      await draw({ steps: 10_000, width: 7, sampler: 'nonsense' }),
      422,
      'invalid-request',
    );
    expect(errors).toEqual(
      expect.arrayContaining([
        { pointer: '/prompt', detail: 'must be a string, but is missing' },
        { pointer: '/steps', detail: 'must be at most 150, but 10000 came' },
        { pointer: '/width', detail: 'must be at least 64, but 7 came' },
        { pointer: '/sampler', detail: 'must be one of Euler a, DPM++ 2M, but "nonsense" came' },
      ]),
    );
  });

  it('names the models there are where another is asked for', async () => {
    const problem = refusal(await draw({ prompt: 'x', model: 'nonsense' }), 422, 'model-not-found');
    expect(problem.hint).toBe('Choose one of: atelier-starter, Anime/Größe.');
    expect(pointers(problem)).toEqual(['/model']);
  });

  it('treats a name that looks like a path as a name', async () => {
    for (const name of ['../../etc/passwd', '/etc/passwd', '..\\x', 'a\0b'])
      refusal(await draw({ prompt: 'x', model: name }), 422, 'model-not-found');
  });

  it('says why a model that is there cannot be used', async () => {
    expect(refusal(await draw({ prompt: 'x', model: 'broken' }), 422, 'model-invalid').detail).toContain(
      'Expected 9',
    );
  });

  it('leaves out what a model wishes if it does not exist here', async () => {
    const odd = await startApp({
      library: new MemoryLibrary({ name: 'odd', defaults: { sampler: 'Unheard' } }),
    });
    const { settings } = (await post(odd.base, JOBS, { prompt: 'x' })).json;
    await odd.close();
    expect(settings.sampler).toBe('Euler a');
  });

  it('says what to do where there is no model at all', async () => {
    const empty = await startApp({ library: new MemoryLibrary() });
    const answer = await post(empty.base, JOBS, { prompt: 'x' });
    await empty.close();
    expect(answer.status).toBe(422);
    expect(answer.json).toMatchObject({
      type: 'model-not-found',
      hint: expect.stringContaining('models/checkpoints'),
    });
  });
});

describe('a JSON body', () => {
  it.each([
    ['{"prompt":', 'cut short'],
    ['', 'empty'],
    ['{"prompt":"x"}}', 'with something after it'],
    ["{'prompt':'x'}", 'in single quotes'],
    ['{"prompt":"x","steps":NaN}', 'with NaN'],
  ])('that is %s (%s) is refused', async (body) => {
    const answer = await draw(body);
    expect([400, 422]).toContain(answer.status);
    refusal(answer, answer.status, body === '' ? 'invalid-request' : 'malformed-json');
  });

  it.each(['null', '[]', '7', '"x"', 'true'])('that is %s does not fit', async (body) => {
    refusal(await draw(body), 422, 'invalid-request');
  });

  it('with a number that is not finite is refused', async () => {
    refusal(await draw('{"prompt":"x","cfgScale":1e400}'), 400, 'malformed-json');
  });

  it.each(['__proto__', 'constructor', 'prototype'])(
    'with the key %s is refused, at any depth',
    async (key) => {
      refusal(await draw(`{"prompt":"x","${key}":{"polluted":1}}`), 400, 'malformed-json');
      refusal(await draw(`{"prompt":"x","a":[{"${key}":1}]}`), 400, 'malformed-json');
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    },
  );

  it('nested deeper than 64 levels is refused, however deep', async () => {
    const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    refusal(await draw(nested(64)), 422, 'invalid-request');
    refusal(await draw(nested(65)), 400, 'malformed-json');
    refusal(await draw(nested(500_000)), 400, 'malformed-json');
    refusal(await draw(`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`), 400, 'malformed-json');
  });

  it('with more than 10,000 keys is refused', async () => {
    const keys = (count: number): Record<string, number> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
    refusal(await draw(keys(10_000)), 422, 'invalid-request');
    refusal(await draw(keys(10_001)), 400, 'malformed-json');
  });

  it('over 1 MiB is refused whatever its framing', async () => {
    const big = JSON.stringify({ prompt: 'x'.repeat(2 ** 20) });
    refusal(await draw(big), 413, 'too-large');
    refusal(await draw(big, { 'transfer-encoding': 'chunked' }), 413, 'too-large');
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    '',
  ])('declared as "%s" is refused', async (type) => {
    refusal(await draw('{"prompt":"x"}', { 'content-type': type }), 415, 'unsupported-type');
  });

  it('compressed or in another character set is refused', async () => {
    refusal(await draw('{}', { 'content-encoding': 'gzip' }), 415, 'unsupported-type');
    refusal(
      await draw('{}', { 'content-type': 'application/json; charset=latin1' }),
      415,
      'unsupported-type',
    );
  });

  it('that is not UTF-8 is refused', async () => {
    const body = Buffer.from('{"prompt":"\xff"}', 'latin1');
    const headers = { 'content-type': 'application/json' };
    refusal(await send(app.base, JOBS, { method: 'POST', headers, body }), 400, 'malformed-json');
  });

  it('may name its character set', async () => {
    expect((await draw('{"prompt":"ü"}', { 'content-type': 'Application/JSON; charset=UTF-8' })).status).toBe(
      202,
    );
  });
});

describe('Idempotency-Key', () => {
  const key = (value: string): Record<string, string> => ({ 'idempotency-key': value });

  it('gives the same job for the same key and body, whatever the order of fields', async () => {
    const first = await draw('{"prompt":"x","steps":5}', key('k1'));
    const again = await draw('{ "steps": 5, "prompt": "x" }', key('k1'));
    expect(again.status).toBe(202);
    expect(again.json.id).toBe(first.json.id);
    expect(again.headers.location).toBe(first.headers.location);
    expect(app.queue.jobs).toHaveLength(1);
  });

  it('refuses the same key with another body', async () => {
    await draw({ prompt: 'x' }, key('k2'));
    const answer = await draw({ prompt: 'y' }, key('k2'));
    expect(answer.json).toMatchObject({ status: 422, type: 'idempotency-key-reuse' });
    expect(app.queue.jobs).toHaveLength(1);
  });

  it('makes another job under another key', async () => {
    const ids = [await draw({ prompt: 'x' }, key('k3')), await draw({ prompt: 'x' }, key('k4'))].map(
      ({ json }) => json.id,
    );
    expect(new Set(ids).size).toBe(2);
  });

  it('must be short and printable', async () => {
    refusal(await draw({ prompt: 'x' }, key('x'.repeat(256))), 422, 'invalid-request');
    refusal(await draw({ prompt: 'x' }, key('k\u00ff')), 422, 'invalid-request');
  });
});

describe('jobs', () => {
  it('are listed newest first, in pages', async () => {
    for (let i = 0; i < 5; i++) await draw({ prompt: `p${i}` });
    const first = JobList.parse((await get(app.base, `${JOBS}?limit=3`)).json);
    expect(first.jobs.map((job) => job.settings.prompt)).toEqual(['p4', 'p3', 'p2']);
    const second = JobList.parse((await get(app.base, `${JOBS}?limit=3&cursor=${first.nextCursor}`)).json);
    expect(second.jobs.map((job) => job.settings.prompt)).toEqual(['p1', 'p0']);
    expect(second.nextCursor).toBeNull();
    const active = JobList.parse((await get(app.base, `${JOBS}?active=true`)).json);
    expect(active.jobs.map((job) => job.settings.prompt)).toEqual(['p0', 'p1', 'p2', 'p3', 'p4']);
  });

  it.each([
    'limit=0',
    'limit=201',
    'limit=x',
    'limit=',
    'limit=1&limit=2',
    'active=perhaps',
    'colour=red',
    '__proto__=1',
  ])('cannot be listed with ?%s', async (query) => {
    refusal(await get(app.base, `${JOBS}?${query}`), 422, 'invalid-request');
  });

  it('are shown by id, and unknown ids are not found', async () => {
    const { id } = (await draw({ prompt: 'x' })).json;
    expect((await get(app.base, `${JOBS}/${id}`)).json.id).toBe(id);
    expect((await get(app.base, `${JOBS}/${id.toUpperCase()}`)).json.id).toBe(id);
    app.queue.jobs.splice(0);
    for (const wrong of [id, 'x', '..%2f..%2fetc', '%ff', '%00', "1'--"])
      refusal(await get(app.base, `${JOBS}/${wrong}`), 404, 'not-found');
  });

  it('are cancelled once', async () => {
    const { id } = (await draw({ prompt: 'x' })).json;
    const cancel = (): Promise<Answer> => post(app.base, `${JOBS}/${id}/cancel`, {});
    expect((await cancel()).json.state).toBe('cancelled');
    const again = await cancel();
    expect(again.json).toMatchObject({ status: 409, type: 'conflict' });
  });

  it('are changed only by application/json', async () => {
    const { id } = (await draw({ prompt: 'x' })).json;
    const plain = await send(app.base, `${JOBS}/${id}/cancel`, { method: 'POST' });
    expect(plain.status).toBe(415);
    expect(app.queue.jobs[0]?.state).toBe('queued');
  });

  it.each([
    ['PUT', JOBS, 'POST, GET, HEAD'],
    ['DELETE', `${JOBS}/x`, 'GET, HEAD'],
    ['GET', `${JOBS}/x/cancel`, 'POST'],
    ['OPTIONS', JOBS, 'POST, GET, HEAD'],
    ['POST', '/healthz/live', 'GET, HEAD'],
  ])('answer %s %s with the methods there are', async (method, path, allow) => {
    const answer = await send(app.base, path, { method });
    refusal(answer, 405, 'method-not-allowed');
    expect(answer.headers.allow).toBe(allow);
  });
});
