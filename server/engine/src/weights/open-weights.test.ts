import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWeights } from './open-weights.ts';
import { floatsFile } from './safetensors-bytes.ts';
import { openSafetensors } from './safetensors.ts';
import type { WeightSource } from './weight-source.ts';

// Written by make_fixtures.py with torch 2.13.0 and gguf 0.19.0, as is expected.safetensors: what these read from them.
// Whether every tensor is the same is checked in server/test/parity/weights.
const FIXTURES = fileURLToPath(new URL('../../../test/fixtures/weights/', import.meta.url));

let folder: string;
let expected: WeightSource;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-formats-'));
  expected = await openSafetensors(join(FIXTURES, 'expected.safetensors'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function written(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

describe('a file of', () => {
  it.each(['zip.pt', 'legacy.pt'])(
    '%s uses in place what lies in order, and makes the rest',
    async (file) => {
      const { tensors } = await openWeights(join(FIXTURES, file));
      const made = [...tensors.values()]
        .filter((tensor) => tensor.made !== undefined)
        .map(({ name }) => name);
      expect(made.sort()).toEqual(['channels_last', 'expanded', 'shared.columns', 'transposed']);
    },
  );

  it('types.gguf uses plain types in place, and makes the quantised ones', async () => {
    const { tensors } = await openWeights(join(FIXTURES, 'types.gguf'));
    const made = [...tensors.values()].filter((tensor) => tensor.made !== undefined).map(({ name }) => name);
    expect(made).toHaveLength(10);
    expect(made.filter((name) => !name.startsWith('Q'))).toEqual([]);
  });

  it('gives small tensors as floats, also made ones', async () => {
    const source = await openWeights(join(FIXTURES, 'zip.pt'));
    const made = source.tensors.get('transposed');
    const wanted = expected.tensors.get('zip.pt:transposed');
    if (made === undefined || wanted === undefined) throw new Error('The fixture lacks "transposed".');
    expect(await source.readFloats(made)).toEqual(await expected.readFloats(wanted));
  });
});

describe('metadata', () => {
  const metadataOf = async (file: string): Promise<Record<string, string>> =>
    Object.fromEntries((await openWeights(join(FIXTURES, file))).metadata);

  it('is the texts and numbers of a checkpoint', async () => {
    expect(await metadataOf('training.ckpt')).toEqual({
      epoch: '3',
      global_step: '470000',
      'pytorch-lightning_version': '1.4.2',
    });
    expect(await metadataOf('embedding.pt')).toEqual({ name: 'concept', step: '500' });
  });

  it('is the texts, numbers and short lists of a GGUF file', async () => {
    expect(await metadataOf('types.gguf')).toMatchObject({
      'general.architecture': 'sd1',
      'general.name': 'types',
      count: '3',
      flag: 'true',
      'comfy.gguf.orig_shape.Q4_0': '16,2,4,4',
    });
    expect(Number((await metadataOf('types.gguf')).scale)).toBe(Math.fround(0.18215));
    expect(await metadataOf('types.gguf')).not.toHaveProperty('tokens');
  });
});

describe('the format', () => {
  it('is told from the content, whatever the name', async () => {
    const bytes = readFileSync(join(FIXTURES, 'zip.pt'));
    expect((await openWeights(written('a.safetensors', bytes))).tensors.has('f32')).toBe(true);
    const path = written('a.ckpt', floatsFile({ a: { shape: [1], values: [1] } }));
    expect((await openWeights(path)).tensors.has('a')).toBe(true);
  });

  it.each([
    ['', /is empty/],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:aa\n', /git-LFS pointer/],
    ['<!DOCTYPE html>', /web page/],
    ['model: x\n', /text file/],
    ['PK\u0003\u0004 and so on', /not a valid PyTorch file: its archive has no end/],
    ['GGUF\u0003\u0000\u0000\u0000', /not a valid GGUF file: it ends within its table of contents/],
    ['GGUF\u0001\u0000\u0000\u0000\u0000', /has version 1/],
    ['GGUF\u0000\u0000\u0000\u0003\u0000', /big-endian/],
  ])('is named where the file is of another: %j', async (text, message) => {
    await expect(openWeights(written('other', text))).rejects.toThrow(message);
  });

  it('version 2 of GGUF is read too', async () => {
    const bytes = Uint8Array.from(readFileSync(join(FIXTURES, 'types.gguf')));
    bytes[4] = 2;
    expect((await openWeights(written('two.gguf', bytes))).tensors.size).toBe(14);
  });

  it('of a pickle of another program is refused', async () => {
    const pickle = Uint8Array.of(0x80, 2, 0x7d, 0x71, 0, 0x2e, 0, 0, 0, 0);
    await expect(openWeights(written('other.pkl', pickle))).rejects.toThrow(
      /a pickle that torch did not write/,
    );
  });
});

describe('a file that is not as it should be', () => {
  it('is refused if it would run code, and says which', async () => {
    await expect(openWeights(join(FIXTURES, 'hostile.pt'))).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(
        /would run code of its own: it refers to "(?:posix|nt|os)\.system"/,
      ) as string,
      hint: expect.stringContaining('not opened') as string,
    });
  });

  it('is refused if it was packed again with compression', async () => {
    await expect(openWeights(join(FIXTURES, 'compressed.pt'))).rejects.toThrow(/is compressed/);
  });

  it.each(['zip.pt', 'legacy.pt', 'types.gguf'])(
    'is noticed to have changed after it was opened: %s',
    async (file) => {
      const path = written(file, readFileSync(join(FIXTURES, file)));
      const source = await openWeights(path);
      truncateSync(path, 1000);
      await expect(source.checkUnchanged()).rejects.toMatchObject({ code: 'model-changed' });
      const made = [...source.tensors.values()].find((tensor) => tensor.made !== undefined);
      await expect(made?.made?.make()).rejects.toMatchObject({ code: 'model-changed' });
    },
  );

  it.each(['legacy.pt', 'types.gguf'])('is called cut where its tensors are: %s', async (file) => {
    const bytes = readFileSync(join(FIXTURES, file));
    await expect(openWeights(written('cut', bytes.subarray(0, -40)))).rejects.toThrow(/is cut short/);
  });
});
