import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWeights } from '../open-weights.ts';
import type { WeightSource } from '../weight-source.ts';
import { entry, ggufBytes, text, u32, u64, type Tensor } from './gguf-bytes.ts';

let folder: string;
let files = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-gguf-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function open(...args: Parameters<typeof ggufBytes>): Promise<WeightSource> {
  const path = join(folder, `${files++}.gguf`);
  writeFileSync(path, ggufBytes(...args));
  return openWeights(path);
}

const W: Tensor = { name: 'w', dims: [4, 2] };

describe('a GGUF file', () => {
  it('has its shapes the other way round', async () => {
    expect((await open([W])).tensors.get('w')).toMatchObject({ dtype: 'F32', shape: [2, 4], byteLength: 32 });
  });

  it('may align its tensors in its own way', async () => {
    const entries = [entry('general.alignment', 4, u32(8))];
    const source = await open([W, { name: 'v', dims: [1], offset: 40 }], { entries });
    const [w, v] = [source.tensors.get('w'), source.tensors.get('v')];
    expect((w?.offset ?? 1) % 8).toBe(0);
    expect(v?.offset).toBe((w?.offset ?? 0) + 40);
  });

  it('may say what shape a tensor had before it was flattened', async () => {
    const note = (values: number[]): Buffer =>
      entry('comfy.gguf.orig_shape.w', 9, u32(4), u64(values.length), ...values.map(u32));
    expect((await open([W], { entries: [note([2, 2, 2])] })).tensors.get('w')?.shape).toEqual([2, 2, 2]);
    expect((await open([W], { entries: [note([2, 2, 3])] })).tensors.get('w')?.shape).toEqual([2, 4]);
  });

  it('may have lists of texts and of lists, which are skipped', async () => {
    const texts = entry('tokens', 9, u32(8), u64(2), text('a'), text('b'));
    const lists = entry('lists', 9, u32(9), u64(1), u32(0), u64(3), Buffer.of(1, 2, 3));
    const long = entry('long', 9, u32(0), u64(1000), Buffer.alloc(1000));
    const { metadata } = await open([W], { entries: [texts, lists, long, entry('key', 8, text('value'))] });
    expect(Object.fromEntries(metadata)).toEqual({ key: 'value' });
  });

  it.each<[string, Parameters<typeof ggufBytes>, RegExp]>([
    ['claims too many tensors', [[W], { counts: [2n ** 40n, 0] }], /claims 1099511627776 tensors/],
    [
      'claims too many entries',
      [[W], { counts: [1, 2n ** 63n] }],
      /claims 9223372036854775808 metadata entries/,
    ],
    ['claims more tensors than it has', [[W], { counts: [100, 0] }], /names the tensor "" twice/],
    ['has too many dimensions', [[{ name: 'w', dims: Array<number>(9).fill(1) }]], /9 dimensions/],
    ['has an impossible size', [[{ name: 'w', dims: [2n ** 63n] }]], /a size of 9223372036854775808/],
    ['has sizes whose product is too large', [[{ name: 'w', dims: [2 ** 40, 2 ** 40] }]], /too large/],
    ['has a tensor beyond its end', [[{ name: 'w', dims: [1000] }]], /is cut short/],
    ['has an offset beyond its end', [[{ name: 'w', dims: [1], offset: 2 ** 40 }]], /is cut short/],
    ['has a tensor that is not aligned', [[{ name: 'w', dims: [1], offset: 4 }]], /not aligned/],
    ['has tensors at one place', [[W, { name: 'v', dims: [1] }]], /overlap before the tensor/],
    ['has a name twice', [[W, { ...W, offset: 32 }]], /names the tensor "w" twice/],
    ['has rows that are no whole blocks', [[{ name: 'w', dims: [16], type: 8 }]], /no whole blocks of Q8_0/],
    [
      'has a type that is known but not read',
      [[{ name: 'w', dims: [256], type: 23 }]],
      /has the type IQ4_XS/,
    ],
    ['has a type that is not known', [[{ name: 'w', dims: [256], type: 99 }]], /with the number 99/],
    [
      'has a key twice',
      [[W], { entries: [entry('k', 0, Buffer.of(1)), entry('k', 0, Buffer.of(1))] }],
      /"k" twice/,
    ],
    ['has metadata of an unknown type', [[W], { entries: [entry('k', 13)] }], /unknown type 13/],
    [
      'has lists within lists',
      [[W], { entries: [entry('k', 9, ...Array.from({ length: 9 }, () => [u32(9), u64(1)]).flat())] }],
      /nested/,
    ],
    [
      'has an endless list',
      [[W], { entries: [entry('k', 9, u32(4), u64(2n ** 50n))] }],
      /ends within its table/,
    ],
    ['has an endless text', [[W], { entries: [entry('k', 8, u64(2n ** 50n))] }], /ends within its table/],
    ['has an endless name', [[{ name: 'w'.repeat(2000), dims: [1] }]], /tensor name of 2000 bytes/],
    [
      'has a wrong alignment',
      [[W], { entries: [entry('general.alignment', 4, u32(24))] }],
      /no power of two/,
    ],
    ['has no alignment', [[W], { entries: [entry('general.alignment', 4, u32(0))] }], /no power of two/],
  ])('is refused if it %s', async (_, args, message) => {
    const opened = open(...args);
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toMatchObject({ code: 'model-invalid' });
  });
});
