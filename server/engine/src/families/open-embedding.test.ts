import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { floatsFile } from '../weights/safetensors-bytes.ts';
import { fitsEmbedding, givenTo, type Embedding } from './embedding.ts';
import { openEmbedding } from './open-embedding.ts';
import { givenInputs } from './text-tower.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-embedding-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

let files = 0;
function opened(shapes: Record<string, number[]>, value = 0.5, name?: string): Promise<Embedding> {
  const path = join(folder, `my cat ${files++}.v2.safetensors`);
  const tensors = Object.entries(shapes).map(([tensor, shape]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    return [tensor, { shape, values: new Array<number>(count).fill(value) }] as const;
  });
  writeFileSync(path, floatsFile(Object.fromEntries(tensors)));
  return openEmbedding(path, name);
}

describe('an embedding', () => {
  it('is one table of vectors, whatever it is called, or one vector', async () => {
    expect(await opened({ emb_params: [3, 4] })).toMatchObject({ vectors: 3, parts: [{ width: 4 }] });
    expect(await opened({ '<cat>': [4] })).toMatchObject({ vectors: 1, parts: [{ width: 4 }] });
    expect(await opened({ 'string_to_param.*': [2, 4], 'string_to_token.*': [] })).toMatchObject({
      vectors: 2,
    });
  });

  it('has vectors for each of two text encoders, in their order', async () => {
    const { vectors, parts } = await opened({ clip_g: [2, 6], clip_l: [2, 4] });
    expect([vectors, ...parts.map(({ width }) => width)]).toEqual([2, 4, 6]);
  });

  it('is called what its file is called, unless it is given a name', async () => {
    expect((await opened({ x: [1, 4] })).name).toMatch(/^my cat \d+\.v2$/);
    expect((await opened({ x: [1, 4] }, 1, 'cat')).name).toBe('cat');
  });

  it.each<[string, Record<string, number[]>, number, string]>([
    ['nothing', {}, 1, 'is no embedding: it has 0 tensors'],
    ['a network', { a: [2, 4], b: [2, 4] }, 1, 'is no embedding: it has 2 tensors'],
    ['more vectors than a chunk has tokens', { x: [76, 4] }, 1, 'expected 1 to 75 vectors'],
    ['no vectors', { x: [0, 4] }, 1, 'expected 1 to 75 vectors'],
    ['a cube', { x: [2, 2, 2] }, 1, 'of shape [2, 2, 2]'],
    ['a single number', { x: [] }, 1, 'of shape []'],
    ['halves of different lengths', { clip_l: [2, 4], clip_g: [3, 6] }, 1, 'different numbers of vectors'],
    ['what is no number', { x: [1, 4] }, NaN, 'that are no numbers'],
  ])('of %s is refused', async (_what, shapes, value, message) => {
    await expect(opened(shapes, value)).rejects.toThrow(message);
    await expect(opened(shapes, value)).rejects.toMatchObject({ code: 'model-invalid' });
  });
});

describe('an embedding for a model', () => {
  const part = (width: number) => ({ data: new Float32Array(2 * width).fill(width), width });
  const one: Embedding = { name: 'one', vectors: 2, parts: [part(768)] };
  const two: Embedding = { name: 'two', vectors: 2, parts: [part(768), part(1280)] };

  it('fits where the text encoders are as wide; a refiner has the second alone', () => {
    expect([[768], [1024], [768, 1280], [1280], []].map((widths) => fitsEmbedding(widths, one))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
    expect([[768], [768, 1280], [1280]].map((widths) => fitsEmbedding(widths, two))).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('gives each text encoder its part, and is refused where it does not fit', () => {
    const given = givenTo([768, 1280], [{ position: 3, embedding: two }]);
    expect(given.map(([fix]) => [fix?.position, fix?.data[0]])).toEqual([
      [3, 768],
      [3, 1280],
    ]);
    expect(() => givenTo([1024], [{ position: 1, embedding: one }])).toThrow(
      'The embedding "one" is 768 wide, but the model\'s text encoders take 1024.',
    );
  });

  it('takes the place of tokens from its position on, up to the end of the chunk', () => {
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    const { given, is_given } = givenInputs([{ position: 75, data }], 2);
    expect([...given.data.slice(-6)]).toEqual([0, 0, 1, 2, 3, 4]);
    expect([...is_given.data.slice(-3)]).toEqual([0, 1, 1]);
  });
});
