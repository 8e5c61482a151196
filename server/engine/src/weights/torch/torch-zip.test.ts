import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWeights } from '../open-weights.ts';
import * as op from '../pickle/opcodes.ts';
import { bytesOf, dict, global, int, pickleBytes, tensor, text, tuple } from '../pickle/pickle-bytes.ts';
import type { WeightSource } from '../weight-source.ts';
import { zipBytes, type Entry } from './zip-bytes.ts';

let folder: string;
let files = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-torch-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function openBytes(bytes: Uint8Array): Promise<WeightSource> {
  const path = join(folder, `${files++}.pt`);
  writeFileSync(path, bytes);
  return openWeights(path);
}

const PICKLE: Entry = { name: 'a/data.pkl', data: pickleBytes(dict(text('w'), tensor('0', 2))) };
const STORAGE: Entry = { name: 'a/data/0', data: new Uint8Array(Float32Array.of(1, 2).buffer) };
const openEntries = (...entries: Entry[]): Promise<WeightSource> => openBytes(zipBytes(entries));
const openPickle = (...codes: Parameters<typeof pickleBytes>): Promise<WeightSource> =>
  openEntries({ name: 'a/data.pkl', data: pickleBytes(...codes) }, STORAGE);
const namesIn = async (...codes: Parameters<typeof pickleBytes>): Promise<string[]> => [
  ...(await openPickle(...codes)).tensors.keys(),
];

describe('an archive', () => {
  it('is opened in its plainest form', async () => {
    const source = await openEntries(PICKLE, STORAGE);
    const weight = source.tensors.get('w');
    expect(weight && [...(await source.readFloats(weight))]).toEqual([1, 2]);
    expect(weight?.made).toBeUndefined();
  });

  it.each<[string, Entry[], RegExp]>([
    ['has two pickles', [PICKLE, { ...PICKLE, name: 'b/data.pkl' }, STORAGE], /more than one data.pkl/],
    [
      'has two pickles that differ in case',
      [PICKLE, { ...PICKLE, name: 'a/DATA.PKL' }, STORAGE],
      /more than one/,
    ],
    ['has no pickle', [STORAGE], /has no data.pkl/],
    ['has a name twice', [PICKLE, STORAGE, STORAGE], /"a\/data\/0" twice/],
    ['has a name that leads out', [PICKLE, STORAGE, { name: '../x', data: new Uint8Array() }], /unsafe name/],
    ['has an absolute name', [PICKLE, STORAGE, { name: '/etc/x', data: new Uint8Array() }], /unsafe name/],
    [
      'has a name with a backslash',
      [PICKLE, STORAGE, { name: 'a\\x', data: new Uint8Array() }],
      /unsafe name/,
    ],
    ['lacks a storage', [PICKLE], /lacks "a\/data\/0"/],
    [
      'has a storage that is too short',
      [PICKLE, { ...STORAGE, data: new Uint8Array(7) }],
      /has 7 bytes and should have 8/,
    ],
    ['is a program', [PICKLE, STORAGE, { ...PICKLE, name: 'a/constants.pkl' }], /TorchScript/],
    ['has a wrong checksum', [{ ...PICKLE, claims: { crc32: 1 } }, STORAGE], /does not agree/],
    ['is encrypted', [PICKLE, { ...STORAGE, claims: { flags: 1 } }], /is encrypted/],
    ['is compressed', [PICKLE, { ...STORAGE, claims: { method: 8 } }], /is compressed/],
    [
      'has a size that differs from the packed one',
      [PICKLE, { ...STORAGE, claims: { packedSize: 4 } }],
      /is compressed/,
    ],
    ['has another size in its directory', [PICKLE, { ...STORAGE, claims: { size: 400 } }], /does not agree/],
    [
      'has another name in its directory',
      [PICKLE, { ...STORAGE, claims: { name: 'a/data/1' } }],
      /does not agree/,
    ],
    [
      'has entries at one place',
      [PICKLE, { ...STORAGE, claims: { header: 0 } }],
      /beyond its place|does not agree/,
    ],
    ['has an entry outside', [PICKLE, { ...STORAGE, claims: { header: 0xffff } }], /outside of the file/],
    [
      'has an unknown order of bytes',
      [PICKLE, STORAGE, { name: 'a/byteorder', data: Buffer.from('pdp') }],
      /order of bytes/,
    ],
  ])('is refused if it %s', async (_, entries, message) => {
    const opened = openEntries(...entries);
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toMatchObject({ code: 'model-invalid', hint: expect.any(String) as string });
  });

  it('is refused if its counts lie, or if something follows it', async () => {
    await expect(openBytes(zipBytes([PICKLE, STORAGE], 1))).rejects.toThrow(/longer than its entries/);
    await expect(openBytes(zipBytes([PICKLE, STORAGE], 3))).rejects.toThrow(/too early|damaged/);
    const followed = Buffer.concat([zipBytes([PICKLE, STORAGE]), Buffer.from('more')]);
    await expect(openBytes(followed)).rejects.toThrow(/something was added/);
  });

  it('is refused if a byte of its values has changed', async () => {
    const bytes = zipBytes([PICKLE, STORAGE]);
    bytes[bytes.indexOf(STORAGE.data) + 2] = 1;
    await expect(openBytes(bytes)).rejects.toThrow(/"a\/data\/0" in its archive is damaged/);
  });

  it('is refused if its pickle goes on after its end', async () => {
    const data = Buffer.concat([PICKLE.data, PICKLE.data]);
    await expect(openEntries({ ...PICKLE, data }, STORAGE)).rejects.toThrow(/goes on after its end/);
  });
});

describe('what a checkpoint holds', () => {
  const weight = tensor('0', 2);

  it('is found in its wrapper, also in several', async () => {
    expect(
      await namesIn(dict(text('state_dict'), dict(text('w'), weight), text('ema'), dict(text('x'), weight))),
    ).toEqual(['w']);
    expect(await namesIn(dict(text('model'), dict(text('state_dict'), dict(text('w'), weight))))).toEqual([
      'w',
    ]);
  });

  it('is not taken for a wrapper where it is a name of its own', async () => {
    expect(await namesIn(dict(text('model'), weight, text('params'), int(1)))).toEqual(['model']);
    expect(await namesIn(dict(text('model'), dict(), text('w'), weight))).toEqual(['w']);
  });

  it('gets names of its path', async () => {
    const list = bytesOf([op.EMPTY_LIST, weight, op.APPEND]);
    expect(await namesIn(dict(text('a'), dict(int(5), list), text('b'), tuple(weight)))).toEqual([
      'a.5.0',
      'b.0',
    ]);
  });

  it.each<[string, Parameters<typeof pickleBytes>, RegExp]>([
    ['holds no tensors', [dict(text('a'), int(1))], /holds no tensors/],
    [
      'is one tensor within itself',
      [op.EMPTY_LIST, op.BINPUT, 0, op.BINGET, 0, op.APPEND],
      /nested more than/,
    ],
    ['has one name twice', [dict(int(1), weight, text('1'), weight)], /"1" twice/],
    ['has an endless name', [dict(text('x'.repeat(2000)), weight)], /name .* of 2000 characters/],
  ])('is refused if it %s', async (_, codes, message) => {
    await expect(openPickle(...codes)).rejects.toThrow(message);
  });

  it('is refused if little of it stands for very much', async () => {
    // Twenty lists of ten times the one before: 10^20 values.
    const levels = Array.from({ length: 20 }, (_, level) => [
      op.EMPTY_LIST,
      op.MARK,
      ...Array.from({ length: 10 }, () => [op.BINGET, level]),
      op.APPENDS,
      op.BINPUT,
      level + 1,
    ]);
    await expect(openPickle(op.EMPTY_LIST, op.BINPUT, 0, ...levels)).rejects.toThrow(
      /more than 1000000 values/,
    );
  });

  it('is refused if it would run code where nobody looks', async () => {
    const call = [global('builtins', 'eval'), tuple(text('1')), op.REDUCE, op.POP];
    await expect(openPickle(call, dict(text('w'), weight))).rejects.toThrow(
      /would run code of its own.*builtins\.eval/,
    );
  });
});
