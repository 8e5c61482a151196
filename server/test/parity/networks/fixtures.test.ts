import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { inspectCheckpoint } from '../../../engine/src/families/inspect-checkpoint.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { openTaesd } from '../../../engine/src/families/open-taesd.ts';
import { sd1Layout, STABLE_DIFFUSION_1_5 } from '../../../../bench/layouts.mjs';
import { writeCheckpoints } from '../../fixtures/networks/write-checkpoints.mjs';
import { fixture } from '../report/measure.ts';
import {
  comparisonsOf,
  expectDecoderAgrees,
  expectEncoderAgrees,
  expectTaesdAgrees,
  expectTextAgrees,
  expectUnetAgrees,
} from './agreement.ts';
import { openReferences, type References } from './tensors.ts';

// The reference is torch 2.13.0, diffusers 0.42.1 and transformers 5.23.0 in float64: see make_fixtures.py.
const EXPECTED = fileURLToPath(new URL('../../fixtures/networks/expected.safetensors', import.meta.url));

const REFERENCE = fixture('diffusers 0.42.1, transformers 5.23.0, float64');
const compared = comparisonsOf('SD 1.x', REFERENCE);

let folder: string;
let references: References;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-networks-'));
  await writeCheckpoints(folder);
  references = await openReferences(EXPECTED);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const pathOf = (name: string): string => join(folder, `${name}.safetensors`);
const casesOf = (name: string): string[] =>
  references.names
    .filter((key) => key.startsWith(`${name}.unet.`) && key.endsWith('.out'))
    .map((key) => key.slice(0, -4));

describe('checkpoints with made-up weights', () => {
  it('are byte for byte those that the reference was run with', () => {
    const checksums = JSON.parse(references.metadata.get('sha256') ?? '{}') as Record<string, string>;
    expect(Object.keys(checksums)).toHaveLength(4);
    for (const [name, sha256] of Object.entries(checksums)) {
      expect(
        createHash('sha256')
          .update(readFileSync(pathOf(name)))
          .digest('hex'),
      ).toBe(sha256);
    }
  });

  describe.each(['levels', 'linear'])('"%s" computes what the reference computes:', (name) => {
    let model: DiffusionModel;
    beforeAll(async () => {
      model = await openCheckpoint(pathOf(name), { threads: 1 });
    });
    afterAll(() => model.dispose());

    it('text encoder, also with CLIP skip', () =>
      expectTextAgrees(model, references, `${name}.text`, compared));

    it('UNet at even and odd sizes', async () => {
      const cases = casesOf(name);
      expect(cases.length).toBeGreaterThan(0);
      for (const key of cases) await expectUnetAgrees(model, references, key, compared);
    });

    it('VAE decoder', () =>
      expectDecoderAgrees(
        model,
        references,
        { latents: `${name}.vae.latents`, decoded: `${name}.vae.decoded` },
        compared,
      ));

    it('VAE encoder', () => expectEncoderAgrees(model, references, `${name}.vae`, compared));
  });

  it('compute the same whether stored in fp16, bf16 or fp32', async () => {
    const other = mkdtempSync(join(tmpdir(), 'atelier-networks-'));
    try {
      await writeCheckpoints(other, { levels: 'F32', linear: 'F16', taesd: 'BF16' });
      for (const name of ['levels', 'linear']) {
        const model = await openCheckpoint(join(other, `${name}.safetensors`), { threads: 1 });
        await expectTextAgrees(model, references, `${name}.text`, compared);
        for (const key of casesOf(name)) await expectUnetAgrees(model, references, key, compared);
        await model.dispose();
      }
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  it('are run for a whole batch as for each picture of it', async () => {
    const model = await openCheckpoint(pathOf('linear'), { threads: 1 });
    const one = references.planes('linear.unet.0.sample');
    const context = references.floats('linear.unet.0.context');
    const text = { data: context.data, dims: [1, 77, 32] as const };
    const [, channels, height, width] = one.dims;
    const both = new Float32Array(2 * one.data.length);
    both.set(one.data, 0);
    both.set(
      one.data.map((value) => -value),
      one.data.length,
    );
    const first = await model.predict(one, 500, text);
    const batch = await model.predict({ data: both, dims: [2, channels, height, width] }, 500, text);
    expect(batch.dims).toEqual([2, channels, height, width]);
    const difference = first.data.map((value, index) => Math.abs(value - (batch.data[index] ?? Number.NaN)));
    expect(Math.max(...difference)).toBeLessThan(1e-5);
    expect([...batch.data.subarray(one.data.length)]).not.toEqual([...first.data]);
    await model.dispose();
  });

  it('are counted network by network without loading weights', async () => {
    const { family, parameters } = await inspectCheckpoint(pathOf('linear'));
    expect({ family, ...parameters }).toEqual({
      family: 'sd1',
      textEncoder: 43_936,
      unet: 1_370_692,
      vae: 839_271,
    });
  });
});

describe('the layout that checkpoints are made up in', () => {
  it('has the published number of parameters at the size of Stable Diffusion 1.5', () => {
    const layout = sd1Layout(STABLE_DIFFUSION_1_5) as { name: string; shape: number[] }[];
    const parameters = (prefix: string): number =>
      layout
        .filter(({ name }) => name.startsWith(prefix))
        .reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
    expect(parameters('model.diffusion_model.')).toBe(859_520_964);
    expect(parameters('cond_stage_model.')).toBe(123_060_480);
    expect(parameters('first_stage_model.')).toBe(83_653_863);
  });
});

describe('TAESD with made-up weights', () => {
  it('computes what the reference computes, both ways', async () => {
    const taesd = await openTaesd(pathOf('taesd_decoder'), pathOf('taesd_encoder'), { threads: 1 });
    const names = {
      image: 'taesd.image',
      encoded: 'taesd.encoded',
      latents: 'taesd.latents',
      decoded: 'taesd.decoded',
    };
    await expectTaesdAgrees(
      taesd,
      references,
      names,
      comparisonsOf('TAESD', fixture('diffusers 0.42.1, float64')),
    );
    await taesd.dispose();
  });

  it('is told when its two files are swapped', async () => {
    await expect(openTaesd(pathOf('taesd_encoder'))).rejects.toThrow(/not a TAESD decoder|expected \[/);
    await expect(openTaesd(pathOf('taesd_decoder'), pathOf('taesd_decoder'))).rejects.toMatchObject({
      code: 'model-invalid',
    });
  });
});
