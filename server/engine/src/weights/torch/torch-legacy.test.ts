import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWeights } from '../open-weights.ts';
import * as op from '../pickle/opcodes.ts';
import { bytesOf, dict, global, int, pickleBytes, tensor, text, tuple } from '../pickle/pickle-bytes.ts';
import type { WeightSource } from '../weight-source.ts';

let folder: string;
let files = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-legacy-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const MAGIC = Buffer.from([op.LONG1, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]);

/** A storage as it stands in the file: how many values, and the values. */
function stored(values: readonly number[], count = values.length): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigInt64LE(BigInt(count));
  return Buffer.concat([head, new Uint8Array(Float32Array.from(values).buffer)]);
}

interface Pieces {
  readonly magic?: Buffer;
  readonly version?: number;
  readonly object?: Buffer;
  readonly keys?: readonly string[];
  readonly storages?: readonly Buffer[];
}

function open({
  magic = MAGIC,
  version = 1001,
  object = dict(text('w'), tensor('7', 3)),
  keys = ['7'],
  storages = [stored([1, 2, 3])],
}: Pieces): Promise<WeightSource> {
  const list = bytesOf([op.EMPTY_LIST, op.MARK, keys.map(text), op.APPENDS]);
  const pickles = [magic, int(version), dict(), object, list].map((codes) => pickleBytes(codes));
  const path = join(folder, `${files++}.pt`);
  writeFileSync(path, Buffer.concat([...pickles, ...storages]));
  return openWeights(path);
}

/** A tensor over a part of a storage, as files of torch before 0.4 have it. */
function view(begin: number, size: number): Buffer {
  const parts = tuple(text('part'), int(begin), int(size));
  const id = tuple(text('storage'), global('torch', 'FloatStorage'), text('7'), text('cpu'), int(3), parts);
  const args = tuple(id, op.BINPERSID, int(0), tuple(int(size)), tuple(int(1)));
  return bytesOf([global('torch._utils', '_rebuild_tensor'), args, op.REDUCE]);
}

async function valuesOf(source: WeightSource): Promise<number[]> {
  const found = source.tensors.get('w');
  return found === undefined ? [] : [...(await source.readFloats(found))];
}

describe('a legacy file', () => {
  it('is opened in its plainest form', async () => {
    expect(await valuesOf(await open({}))).toEqual([1, 2, 3]);
  });

  it('may have views of storages', async () => {
    expect(await valuesOf(await open({ object: dict(text('w'), view(1, 2)) }))).toEqual([2, 3]);
  });

  it('may have storages that no weight uses', async () => {
    const object = dict(text('state_dict'), dict(text('w'), tensor('7', 3)), text('rest'), tensor('8', 2));
    const storages = [stored([9, 9]), stored([1, 2, 3])];
    expect(await valuesOf(await open({ object, keys: ['8', '7'], storages }))).toEqual([1, 2, 3]);
  });

  it.each<[string, Pieces, RegExp]>([
    ['has another number at its start', { magic: int(1) }, /a pickle that torch did not write/],
    ['has another version', { version: 1002 }, /another version/],
    ['lacks a storage', { keys: [], storages: [] }, /lacks the storage "7"/],
    [
      'lists a storage twice',
      { keys: ['7', '7'], storages: [stored([1, 2, 3]), stored([1, 2, 3])] },
      /its pickle does not/,
    ],
    ['lists a storage that is not known', { keys: ['9'] }, /"9", which its pickle does not/],
    [
      'has another count at a storage',
      { storages: [stored([1, 2, 3], 2)] },
      /has 2 values and should have 3/,
    ],
    ['has a negative count', { storages: [stored([1, 2, 3], -1)] }, /a size of/],
    ['is cut within a storage', { storages: [stored([1, 2])] }, /is cut short/],
    ['has a view beyond its storage', { object: dict(text('w'), view(2, 2)) }, /a view beyond the storage/],
  ])('is refused if it %s', async (_, pieces, message) => {
    const opened = open(pieces);
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toMatchObject({ code: 'model-invalid' });
  });
});
