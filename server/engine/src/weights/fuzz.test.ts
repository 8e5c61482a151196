import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EngineError } from '../errors.ts';
import { damaged, JSON_PIECES, random } from './damage.ts';
import { openWeights } from './open-weights.ts';
import { tensorBytes } from './tensor-bytes.ts';
import * as op from './pickle/opcodes.ts';
import { bytesOf, global, int, text } from './pickle/pickle-bytes.ts';
import { floatsFile } from './safetensors-bytes.ts';
import { zipBytes } from './torch/zip-bytes.ts';

const FIXTURES = fileURLToPath(new URL('../../../test/fixtures/weights/', import.meta.url));
const fixture = (name: string): Uint8Array => readFileSync(join(FIXTURES, name));
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-fuzz-'));
  path = join(folder, 'file');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const PICKLE_PIECES = [
  ...Object.values(op).map((code) => Uint8Array.of(code)),
  bytesOf([global('os', 'system'), text('true'), op.TUPLE1, op.REDUCE]),
  bytesOf([global('collections', 'OrderedDict'), op.EMPTY_TUPLE, op.REDUCE]),
  bytesOf([op.BINGET, 0]),
  bytesOf([op.MARK, op.BINGET, 2, op.BINGET, 2, op.TUPLE]),
  bytesOf([op.LONG1, 255]),
  int(-1),
];
const BINARY_PIECES = [
  bytes('GGUF'),
  bytes('PK\u0003\u0004'),
  bytes('PK\u0001\u0002'),
  new Uint8Array(8),
  bytes('data.pkl'),
];

/** The same archive around a damaged pickle, with its right checksum. */
function zipAround(pickle: Uint8Array): Uint8Array {
  return zipBytes([
    { name: 'a/data.pkl', data: pickle },
    { name: 'a/byteorder', data: bytes('little') },
    ...Array.from({ length: 4 }, (_, key) => ({ name: `a/data/${key}`, data: new Uint8Array(64) })),
  ]);
}

/** The pickle of a fixture, whose entry begins its archive. */
function pickleOf(name: string): Uint8Array {
  const file = Buffer.from(fixture(name));
  const start = 30 + file.readUInt16LE(26) + file.readUInt16LE(28);
  return file.subarray(start, file.indexOf(Buffer.of(0x50, 0x4b, 0x07, 0x08), start));
}

const SAFETENSORS = floatsFile(
  { 'first.weight': { shape: [2, 2], values: [1, 2, 3, 4] }, 'é"\\': { shape: [1], values: [5] } },
  { 'modelspec.title': 'Fuzz', note: '\u0000\t{}' },
);
const same = (file: Uint8Array): Uint8Array => file;
interface Format {
  readonly valid: Uint8Array;
  readonly pieces: readonly Uint8Array[];
  readonly wrap: (file: Uint8Array) => Uint8Array;
}
const FORMATS: Record<string, Format> = {
  safetensors: { valid: SAFETENSORS, pieces: JSON_PIECES.map(bytes), wrap: same },
  'torch archive': { valid: fixture('zip.pt'), pieces: BINARY_PIECES, wrap: same },
  'torch pickle in its archive': { valid: pickleOf('embedding.pt'), pieces: PICKLE_PIECES, wrap: zipAround },
  'pickle of a training in its archive': {
    valid: pickleOf('training.ckpt'),
    pieces: PICKLE_PIECES,
    wrap: zipAround,
  },
  'legacy torch file': { valid: fixture('legacy.pt'), pieces: PICKLE_PIECES, wrap: same },
  GGUF: { valid: fixture('types.gguf').subarray(), pieces: BINARY_PIECES, wrap: same },
};

/** More than any fixture has; a lie that gets through must not be believed. */
const MOST_BYTES = 128 * 1024 * 1024;

/**
 * Opens a file of these bytes, which must end in weights that lie inside of the file, or are made with their
 * right length, or else in an EngineError that says what is wrong.
 * @returns true if it was opened
 */
async function expectResultOrError(path: string, bytes: Uint8Array, what: string): Promise<boolean> {
  writeFileSync(path, bytes);
  try {
    const source = await openWeights(path);
    for (const tensor of source.tensors.values()) {
      if (tensor.made === undefined) {
        expect(tensor.offset + tensor.byteLength, what).toBeLessThanOrEqual(bytes.length);
      } else {
        expect(tensor.byteLength, what).toBeLessThan(MOST_BYTES);
        expect(await tensorBytes(tensor), what).toHaveLength(tensor.byteLength);
      }
    }
    return true;
  } catch (error) {
    expect(error, what).toBeInstanceOf(EngineError);
    expect((error as EngineError).code, what).toBe('model-invalid');
    expect((error as EngineError).message, what).not.toContain(dirname(path));
    return false;
  }
}

describe.each(Object.entries(FORMATS))('a damaged file: %s', (_, { valid, pieces, wrap }) => {
  it('is opened while it is whole', async () => {
    expect(await expectResultOrError(path, wrap(valid), 'whole')).toBe(true);
  });

  it('ends in a result or an EngineError wherever it is cut', async () => {
    const step = Math.max(1, Math.floor(valid.length / 400));
    for (let length = 0; length < valid.length; length += length < 64 ? 1 : step) {
      await expectResultOrError(path, wrap(valid.subarray(0, length)), `cut at ${length}`);
    }
  });

  it('ends in a result or an EngineError whatever is changed in it', async () => {
    let opened = 0;
    for (let seed = 1; seed <= 600; seed += 1) {
      const bad = wrap(damaged(valid, random(seed), pieces));
      if (await expectResultOrError(path, bad, `seed ${seed}`)) opened += 1;
    }
    expect(opened).toBeLessThan(600);
  });
});
