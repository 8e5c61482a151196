import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { openWeights } from '../../../engine/src/weights/open-weights.ts';
import { openSafetensors } from '../../../engine/src/weights/safetensors.ts';
import { tensorBytes } from '../../../engine/src/weights/tensor-bytes.ts';
import type { TensorInfo, WeightSource } from '../../../engine/src/weights/weight-source.ts';
import { goldenPath, hasGoldens } from '../diffusion/goldens.ts';
import { Comparison, fixture, golden } from '../report/measure.ts';

// Written by make_fixtures.py with torch 2.13.0 and gguf 0.19.0, as is expected.safetensors: what these read from them.
const FIXTURES = fileURLToPath(new URL('../../fixtures/weights/', import.meta.url));

let expected: WeightSource;
beforeAll(async () => {
  expected = await openSafetensors(join(FIXTURES, 'expected.safetensors'));
});

const row = (file: string): Comparison => {
  if (file.endsWith('.gguf')) {
    return new Comparison('Weight files', 'GGUF, every type: tensors', fixture('gguf 0.19.0'));
  }
  const format = file === 'legacy.pt' ? 'Torch, before archives' : 'Torch archive';
  return new Comparison('Weight files', `${format}: tensors`, fixture('torch 2.13.0'));
};
const twins = new Comparison(
  'Weight files',
  'Torch archive: tensors',
  golden('the same weights as safetensors'),
);

/** Type, shape and every byte. */
async function expectEqual(
  compared: Comparison,
  actual: TensorInfo | undefined,
  wanted: TensorInfo,
): Promise<void> {
  expect(actual, wanted.name).toMatchObject({
    dtype: wanted.dtype,
    shape: wanted.shape,
    byteLength: wanted.byteLength,
  });
  const bytes = actual === undefined ? new Uint8Array() : await tensorBytes(actual);
  compared.exact(Buffer.compare(bytes, await tensorBytes(wanted)), 0, wanted.name);
}

describe('a file of', () => {
  const files = ['zip.pt', 'legacy.pt', 'big-endian.pt', 'protocol-3.pt', 'protocol-4.pt', 'protocol-5.pt'];
  const nested = ['training.ckpt', 'embedding.pt', 'hypernetwork.pt', 'upscaler.pth'];
  it.each([...files, ...nested, 'types.gguf'])(
    '%s has exactly the tensors of its own library',
    async (file) => {
      const wanted = [...expected.tensors].filter(([name]) => name.startsWith(`${file}:`));
      const source = await openWeights(join(FIXTURES, file));
      expect([...source.tensors.keys()].sort()).toEqual(
        wanted.map(([name]) => name.slice(file.length + 1)).sort(),
      );
      for (const [name, tensor] of wanted) {
        await expectEqual(row(file), source.tensors.get(name.slice(file.length + 1)), tensor);
      }
    },
  );

  it('every fixture is compared', () => {
    const compared = new Set([...expected.tensors.keys()].map((name) => name.split(':')[0]));
    const others = ['compressed.pt', 'hostile.pt', 'expected.safetensors', 'make_fixtures.py'];
    expect([...compared, ...others].sort()).toEqual(readdirSync(FIXTURES).sort());
  });
});

describe.skipIf(!hasGoldens)('of the reference checkpoints', () => {
  it('the TAESD pickle has the values of its safetensors twin', async () => {
    const pickle = await openWeights(goldenPath('checkpoints/tiny-taesd_decoder.pth'));
    const twin = await openWeights(goldenPath('checkpoints/tiny-taesd_decoder.safetensors'));
    expect(pickle.tensors.size).toBe(twin.tensors.size);
    for (const [name, tensor] of twin.tensors) await expectEqual(twins, pickle.tensors.get(name), tensor);
  });

  it('the inpainting checkpoint has the text encoder and VAE of the SD1 one', async () => {
    const pickle = await openWeights(goldenPath('checkpoints/tiny-inpaint.ckpt'));
    const twin = await openWeights(goldenPath('checkpoints/tiny-sd1.safetensors'));
    expect(pickle.metadata.get('global_step')).toBeDefined();
    const shared = [...twin.tensors].filter(([name]) =>
      /^(?:cond_stage_model|first_stage_model)\./.test(name),
    );
    expect(shared.length).toBeGreaterThan(100);
    for (const [name, tensor] of shared) await expectEqual(twins, pickle.tensors.get(name), tensor);
  });

  it.each([
    ['tiny-ti.pt', 'string_to_param.*', [3, 16]],
    ['tiny-ti-legacy.pt', 'string_to_param.*', [2, 16]],
    ['tiny-ti-diffusers.bin', '<tiny-cat>', [16]],
  ])('the embedding %s has its vectors', async (file, name, shape) => {
    const source = await openWeights(goldenPath(`checkpoints/${file}`));
    const vectors = source.tensors.get(name);
    expect(vectors).toMatchObject({ dtype: 'F32', shape });
    if (vectors === undefined) return;
    const values = await source.readFloats(vectors);
    expect(values.every((value) => Math.abs(value) < 10)).toBe(true);
    expect(new Set(values).size).toBeGreaterThan(10);
  });
});
