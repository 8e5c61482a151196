import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { floatsFile } from '../weights/safetensors-bytes.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { Weights } from '../weights/weights.ts';
import { GraphBuilder } from './graph.ts';
import { loadBytesOf, SessionCache, type NetworkRequest } from './session-cache.ts';
import type { Session } from './session.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-cache-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A network that multiplies by the number in a file. */
async function factor(name: string, value?: number): Promise<NetworkRequest> {
  const path = join(folder, name);
  if (value !== undefined) writeFileSync(path, floatsFile({ w: { shape: [1], values: [value] } }));
  const source = await openSafetensors(path);
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float', [1]);
  graph.output('y', graph.op('Mul', [x, graph.weight(new Weights(source).tensor('w'))]), [1]);
  return { name, model: graph.build(name), sources: [source], options: { threads: 1 } };
}
const ofTwo = async (session: Session): Promise<number> =>
  (await session.runOne({ x: { data: Float32Array.of(2), dims: [1] } }, 'y')).data[0]!;
const itself = (session: Session): Promise<Session> => Promise.resolve(session);

it('opens a network once, also for those who ask at the same time or come back with another graph of it', async () => {
  const cache = new SessionCache();
  const three = await factor('a', 3);
  const [first, second] = await Promise.all([cache.use(three, itself), cache.use(three, itself)]);
  expect(second).toBe(first);
  expect(await cache.use(await factor('a'), itself)).toBe(first);
  expect(await cache.use(await factor('a'), ofTwo)).toBe(6);
  expect(await cache.use({ ...three, options: { threads: 2 } }, itself)).not.toBe(first);
  await cache.dispose();
});

it('opens a file anew that was written to since', async () => {
  const cache = new SessionCache();
  expect(await cache.use(await factor('b', 3), ofTwo)).toBe(6);
  expect(await cache.use(await factor('b', 4), ofTwo)).toBe(8);
  const stale = await factor('b');
  await factor('b', 5);
  await expect(cache.use(stale, ofTwo)).rejects.toMatchObject({ code: 'model-changed' });
  expect(await cache.use(await factor('b'), ofTwo)).toBe(10); // the failure is forgotten
  await cache.dispose();
});

it('notices before each use that a file of an open network was written to, cut or taken away', async () => {
  const damages: [string, (path: string) => void, string][] = [
    [
      'written',
      (path) => writeFileSync(path, floatsFile({ w: { shape: [1], values: [9] } })),
      'model-changed',
    ],
    ['cut', (path) => truncateSync(path, 8), 'model-changed'],
    ['gone', (path) => rmSync(path), 'model-not-found'],
  ];
  for (const [name, damage, code] of damages) {
    const cache = new SessionCache();
    const request = await factor(name, 3);
    expect(await cache.use(request, ofTwo)).toBe(6);
    damage(join(folder, name));
    await expect(cache.use(request, ofTwo)).rejects.toMatchObject({ code });
    expect(await cache.use(await factor(name, 4), ofTwo)).toBe(8);
    await cache.dispose();
  }
});

it('closes what was not used for longest when the budget is spent, but never what is in use', async () => {
  const [a, b, c] = [await factor('c1', 1), await factor('c2', 2), await factor('c3', 3)];
  const one = loadBytesOf(a.model);
  const cache = new SessionCache(2 * one);
  const first = await cache.use(a, itself);
  const second = await cache.use(b, itself);
  await cache.use(a, ofTwo); // now b is the older one
  await cache.use(c, ofTwo);
  expect([a, b, c].map((request) => cache.has(request))).toEqual([true, false, true]);
  expect(cache.bytes).toBe(2 * one);
  expect(await cache.use(a, itself)).toBe(first);
  expect(await cache.use(b, itself)).not.toBe(second);
  await cache.use(a, () => cache.use(b, () => cache.use(c, ofTwo)));
  expect([a, b, c].map((request) => cache.has(request))).toEqual([true, true, true]);
  await expect(cache.makeRoom('draw', 2 ** 50, a)).rejects.toMatchObject({ code: 'out-of-memory' });
  expect([a, b, c].map((request) => cache.has(request))).toEqual([true, false, false]);
  await cache.dispose();
});

it('refuses a network with the numbers when the machine has no room for it', async () => {
  const request = await factor('d', 1);
  const cache = new SessionCache();
  const huge = { ...request, model: { ...request.model, weightBytes: 2 ** 50 } };
  await expect(cache.use(huge, ofTwo)).rejects.toMatchObject({
    code: 'out-of-memory',
    message: expect.stringMatching(
      /^\d+ MiB of memory are needed to load the d, and \d+ MiB are free/,
    ) as string,
  });
  await cache.dispose();
});

it('runs on the CPU, and says why, where the provider is not to be had', async () => {
  const notices: string[] = [];
  const absent = process.platform === 'darwin' ? 'dml' : 'coreml';
  const request = await factor('e', 3);
  const options = { threads: 1, provider: absent, onNotice: (text: string) => notices.push(text) } as const;
  const cache = new SessionCache();
  expect(await cache.use({ ...request, options }, ofTwo)).toBe(6);
  expect(notices).toEqual([
    expect.stringMatching(/is not available \(.+\); the CPU is used\. It needs .+\.$/),
  ]);
  await cache.dispose();
});
