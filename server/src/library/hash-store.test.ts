import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHashStore } from './hash-store.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atelier-hashes-'));
  path = join(folder, 'data', 'model-hashes.json');
});
afterEach(() => rm(folder, { recursive: true }));

const hash = 'ab'.repeat(32);

describe('the hash store', () => {
  it('remembers over restarts, and leaves no draft behind', async () => {
    const store = await openHashStore(path);
    await Promise.all([store.set('1-2', hash), store.set('3-4', hash)]);
    const again = await openHashStore(path);
    expect([again.get('1-2'), again.get('3-4'), again.get('5-6')]).toEqual([hash, hash, undefined]);
    expect(await readdir(join(folder, 'data'))).toEqual(['model-hashes.json']);
  });

  it.each(['', '{"a":', '[]', '{"a":"not a hash"}', 'null'])(
    'starts anew where the file holds %j',
    async (text) => {
      const store = await openHashStore(path);
      await store.set('1', hash);
      await writeFile(path, text);
      expect((await openHashStore(path)).get('1')).toBeUndefined();
    },
  );

  it('keys are data: they name no property of an object', async () => {
    const store = await openHashStore(path);
    expect(store.get('constructor')).toBeUndefined();
    await store.set('__proto__', hash);
    expect(store.get('__proto__')).toBe(hash);
  });
});
