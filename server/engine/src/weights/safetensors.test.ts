import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EngineError } from '../errors.ts';
import { JSON_PIECES, random } from './damage.ts';
import { HeaderError, MAX_HEADER_BYTES, parseHeader } from './safetensors-header.ts';
import { floatsFile, safetensorsBytes, type Pieces } from './safetensors-bytes.ts';
import { openSafetensors } from './safetensors.ts';
import type { WeightSource } from './weight-source.ts';

let folder: string;
let files = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-safetensors-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function written(bytes: Uint8Array | string): string {
  const path = join(folder, `${files++}.safetensors`);
  writeFileSync(path, bytes);
  return path;
}
const openBytes = (bytes: Uint8Array | string): Promise<WeightSource> => openSafetensors(written(bytes));
const openPieces = (pieces: Pieces): Promise<WeightSource> => openBytes(safetensorsBytes(pieces));
/** Four bytes of data under one tensor, unless its header says otherwise. */
const openHeader = (header: string): Promise<WeightSource> => openPieces({ header, data: new Uint8Array(4) });
const entry = (fields: object = {}): string =>
  JSON.stringify({ dtype: 'F32', shape: [1], data_offsets: [0, 4], ...fields });

describe('a safetensors file', () => {
  it('gives names, shapes, places and metadata', async () => {
    const source = await openBytes(
      floatsFile({ a: { shape: [2, 1], values: [1, 2] }, b: { shape: [], values: [-0.5] } }, { title: 'x' }),
    );
    const a = source.tensors.get('a');
    const b = source.tensors.get('b');
    expect(a).toMatchObject({ name: 'a', dtype: 'F32', shape: [2, 1], byteLength: 8, file: source.path });
    expect(b).toMatchObject({ shape: [], byteLength: 4, offset: (a?.offset ?? 0) + 8 });
    expect(source.metadata.get('title')).toBe('x');
    expect(b && [...(await source.readFloats(b))]).toEqual([-0.5]);
    expect(a && [...(await source.readFloats(a))]).toEqual([1, 2]);
  });

  it('may be found through a link, and is then known by its real path', async () => {
    const path = written(floatsFile({ a: { shape: [1], values: [1] } }));
    const link = join(folder, 'link.safetensors');
    symlinkSync(path, link);
    expect((await openSafetensors(link)).path).toBe((await openSafetensors(path)).path);
  });

  it.each([
    ['no tensors', { header: '{}' }],
    ['trailing spaces', { header: '{}   \n ' }],
    ['a tensor without elements', { header: `{"a":${entry({ shape: [0, 7], data_offsets: [0, 0] })}}` }],
    [
      'names that would be special in an object',
      {
        header: `{"__proto__":${entry()},"constructor":${entry({ data_offsets: [4, 8] })}}`,
        data: new Uint8Array(8),
      },
    ],
    [
      'tensors in another order than their bytes',
      { header: `{"b":${entry({ data_offsets: [4, 8] })},"a":${entry()}}`, data: new Uint8Array(8) },
    ],
    [
      'fields that the format does not know',
      {
        header: `{"a":{"note":[{"x":[1.5e3,null,"]"]},{}],"dtype":"U8","shape":[],"data_offsets":[0,1]}}`,
        data: new Uint8Array(1),
      },
    ],
    [
      'four-bit elements',
      { header: `{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}`, data: new Uint8Array(1) },
    ],
  ] satisfies [string, Pieces][])('may have %s', async (_, pieces) => {
    const expected = Object.keys(JSON.parse(pieces.header) as object).length;
    expect((await openPieces(pieces)).tensors.size).toBe(pieces.header.includes('__proto__') ? 2 : expected);
  });

  it.each([
    ['an unknown element type', `{"a":${entry({ dtype: 'F31' })}}`, /unknown element type "F31"/],
    [
      'a type named like an inherited property',
      `{"a":${entry({ dtype: 'toString' })}}`,
      /unknown element type/,
    ],
    ['a name twice', `{"a":${entry()},"a":${entry()}}`, /names the tensor "a" twice/],
    ['a name twice, once escaped', `{"a":${entry()},"\\u0061":${entry()}}`, /names the tensor "a" twice/],
    ['metadata twice', '{"__metadata__":{},"__metadata__":{}}', /"__metadata__" twice/],
    ['a metadata key twice', '{"__metadata__":{"k":"1","k":"2"}}', /metadata key "k" twice/],
    ['metadata that is no text', '{"__metadata__":{"k":1}}', /metadata "k" that is not text/],
    [
      'a field twice',
      '{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      /"dtype" of "a" twice/,
    ],
    ['a field missing', '{"a":{"dtype":"F32","shape":[1]}}', /no "data_offsets" for "a"/],
    ['one offset', `{"a":${entry({ data_offsets: [0] })}}`, /other than two offsets/],
    ['three offsets', `{"a":${entry({ data_offsets: [0, 4, 4] })}}`, /more than 2 numbers/],
    ['a negative offset', `{"a":${entry({ data_offsets: [-4, 0] })}}`, /not a whole number/],
    ['a fraction', `{"a":${entry({ shape: [1.5] })}}`, /not a whole number/],
    [
      'a size with an exponent',
      '{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}',
      /not a whole number/,
    ],
    [
      'a size beyond exact numbers',
      '{"a":{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,4]}}',
      /not a whole/,
    ],
    [
      'sizes whose product overflows',
      `{"a":${entry({ shape: [2 ** 33, 2 ** 31, 1] })}}`,
      /does not have so many/,
    ],
    ['a rank above eight', `{"a":${entry({ shape: [1, 1, 1, 1, 1, 1, 1, 1, 1] })}}`, /more than 8 numbers/],
    ['an end before its beginning', `{"a":${entry({ data_offsets: [4, 0] })}}`, /end before its beginning/],
    ['more bytes than its shape has', `{"a":${entry({ dtype: 'F16' })}}`, /does not have so many/],
    ['a gap at the start', `{"a":${entry({ data_offsets: [4, 8] })}}`, /leaves a gap before the tensor "a"/],
    ['an overlap', `{"a":${entry()},"b":${entry()}}`, /leaves an overlap before the tensor "b"/],
    ['fewer bytes than the file', '{}', /describes 10 bytes, but the file has 4 more/],
    ['white space before the object', ` {"a":${entry()}}`, /does not start with "\{"/],
    ['a list', '[]', /does not start with "\{"/],
    ['an end too early', '{"a":', /expected JSON.*the end came/],
    ['something after its end', '{} {}', /goes on after its end/],
    ['a comma too many', `{"a":${entry()},}`, /expected JSON/],
    ['a wrong escape', '{"\\q":1}', /wrong escape/],
    ['a control character in a name', '{"a\u0001":1}', /control character/],
    ['a text without end', '{"a', /ends within a text/],
    ['a tensor that is a number', '{"a":1}', /expected JSON/],
    ['deep nesting in an unknown field', `{"a":{"x":${'['.repeat(100_000)}`, /nested more than/],
  ])('is refused if its header has %s', async (_, header, message) => {
    const error = await openHeader(header).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: 'model-invalid', hint: expect.any(String) as string });
    expect((error as EngineError).message).toMatch(message);
  });

  it('is refused if its header is not UTF-8', async () => {
    const header = new Uint8Array([
      ...new TextEncoder().encode('{"a'),
      0xff,
      ...new TextEncoder().encode(`":${entry()}}`),
    ]);
    await expect(openPieces({ header, data: new Uint8Array(4) })).rejects.toThrow(/not UTF-8/);
  });

  it('is refused if it starts with a byte order mark', async () => {
    await expect(openPieces({ header: '\ufeff{}' })).rejects.toThrow(/does not start with "\{"/);
  });

  it.each([BigInt(MAX_HEADER_BYTES) + 1n, 2n ** 63n, 2n ** 64n - 1n])(
    'is refused before anything is read if it claims a header of %d bytes',
    async (claimedLength) => {
      await expect(openPieces({ header: '{}', claimedLength })).rejects.toThrow(
        /claims a header of \d+ bytes/,
      );
    },
  );

  it('says its expected and its real size if the header is cut', async () => {
    await expect(openPieces({ header: '{}', claimedLength: 1000n })).rejects.toThrow(
      /is cut short: it should have 1008 bytes and has 10/,
    );
  });

  it('says its expected and its real size if the tensors are cut', async () => {
    const bytes = floatsFile({ a: { shape: [1000], values: new Array<number>(1000).fill(1) } });
    await expect(openBytes(bytes.slice(0, -100))).rejects.toThrow(
      new RegExp(`should have ${bytes.length} bytes and has ${bytes.length - 100}`),
    );
  });

  it.each([1, 7])('is refused if it has %i bytes', async (length) => {
    await expect(openBytes(new Uint8Array(length))).rejects.toThrow(/should have at least 8 bytes/);
  });

  it.each([
    ['', /is empty|is not a valid safetensors file: it is empty/],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 4265380512\n', /git-LFS pointer/],
    ['<!DOCTYPE html><html><body>Log in</body></html>', /web page/],
    ['\ufeff \n<HTML lang="en">', /web page/],
    ['<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', /web page/],
    ['model: target: ldm.models\n', /text file/],
    ['{"error":"not found"}', /text file/],
  ])('is told from what only has its name: %j', async (text, message) => {
    await expect(openBytes(text)).rejects.toThrow(message);
  });

  it('is told from a folder, and from nothing', async () => {
    mkdirSync(join(folder, 'a.safetensors'));
    await expect(openSafetensors(join(folder, 'a.safetensors'))).rejects.toThrow(/is a folder/);
    await expect(openSafetensors(join(folder, 'none'))).rejects.toMatchObject({ code: 'model-not-found' });
  });

  it('is never named with the folders it lies in', async () => {
    const error = await openBytes('').catch((caught: unknown) => caught as EngineError);
    expect((error as EngineError).message).not.toContain(folder);
  });
});

describe('a file that changes after its header was read', () => {
  const bytes = floatsFile({ a: { shape: [2], values: [1, 2] } });
  const opened = async (): Promise<{ path: string; source: WeightSource }> => {
    const path = written(bytes);
    return { path, source: await openSafetensors(path) };
  };

  it('is not noticed while it does not', async () => {
    const { source } = await opened();
    await expect(source.checkUnchanged()).resolves.toBeUndefined();
  });

  it.each<[string, (path: string) => void, string]>([
    ['is cut', (path) => truncateSync(path, bytes.length - 1), 'model-changed'],
    ['is written to', (path) => utimesSync(path, 1, 1), 'model-changed'],
    ['is replaced by a folder', (path) => (rmSync(path), mkdirSync(path)), 'model-changed'],
    ['is deleted', (path) => rmSync(path), 'model-not-found'],
  ])('is noticed when it %s', async (_, change, code) => {
    const { path, source } = await opened();
    change(path);
    await expect(source.checkUnchanged()).rejects.toMatchObject({ code });
    const tensor = source.tensors.get('a');
    expect(tensor).toBeDefined();
    if (tensor !== undefined) await expect(source.readFloats(tensor)).rejects.toMatchObject({ code });
  });
});

describe('fuzzing the header', () => {
  const valid = floatsFile(
    { 'first.weight': { shape: [2, 2], values: [1, 2, 3, 4] }, 'é"\\': { shape: [1], values: [5] } },
    { 'modelspec.title': 'Fuzz', note: '\u0000\t{}' },
  );
  const pieces = [...JSON_PIECES, '\u0000'];

  it('never finds anything but a header or a HeaderError in a damaged header', () => {
    const text = new TextDecoder().decode(valid.subarray(8, valid.length - 20));
    let good = 0;
    for (let seed = 1; seed <= 5000; seed += 1) {
      const pick = random(seed);
      let damaged = text;
      for (let changes = 1 + pick(3); changes > 0; changes -= 1) {
        const at = pick(damaged.length);
        damaged = damaged.slice(0, at) + (pieces[pick(pieces.length)] ?? '') + damaged.slice(at + pick(4));
      }
      try {
        parseHeader(damaged);
        expect(() => JSON.parse(damaged) as unknown, `seed ${seed}`).not.toThrow();
        good += 1;
      } catch (error) {
        expect(error, `seed ${seed}`).toBeInstanceOf(HeaderError);
      }
    }
    expect(good).toBeGreaterThan(100);
    expect(good).toBeLessThan(4000);
  });
});

/** A tensor without elements. */
const EMPTY = entry({ shape: [0], data_offsets: [0, 0] });

describe('a header of a size that is allowed', () => {
  it('is read in a time that grows with its length only', async () => {
    const names = Array.from({ length: 100_000 }, (_, index) => `"t${index}":${EMPTY}`);
    const before = process.cpuUsage();
    const source = await openPieces({ header: `{${names.join(',')}}` });
    expect(source.tensors.size).toBe(100_000);
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(10); // a second or so
  });

  it('is refused if it names more tensors than the limit', async () => {
    const names = Array.from({ length: 200_001 }, (_, index) => `"${index}":${EMPTY}`);
    await expect(openPieces({ header: `{${names.join(',')}}` })).rejects.toThrow(/more than 200000 tensors/);
  });

  it('may have a long text', async () => {
    const long = 'x\\n'.repeat(2_000_000);
    const source = await openPieces({ header: `{"__metadata__":{"note":"${long}"}}` });
    expect(source.metadata.get('note')).toHaveLength(4_000_000);
  });
});
