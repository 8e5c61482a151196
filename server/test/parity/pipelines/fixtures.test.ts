import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import type { GenerationEvent } from '../../../engine/src/pipelines/generation-types.ts';
import { imageToImage } from '../../../engine/src/pipelines/image-to-image.ts';
import { inpaint } from '../../../engine/src/pipelines/inpaint.ts';
import { textToImage } from '../../../engine/src/pipelines/text-to-image.ts';
import { writeCheckpoints } from '../../fixtures/pipelines/write-checkpoints.mjs';
import { maxDifference } from '../diffusion/goldens.ts';
import { Comparison, fixture } from '../report/measure.ts';
import { pictureOf } from './golden-runs.ts';

// The reference is diffusers 0.42.1 on torch 2.13.0, float32: see make_fixtures.py.
interface Run {
  pipeline: 'text' | 'image' | 'inpaint' | 'legacy' | 'instruct';
  task: 'text' | 'inpaint' | 'instruct' | 'sd2' | 'sdxl' | 'refiner';
  sampler: string;
  steps: number;
  seed: number;
  cfgScale: number;
  strength?: number;
  imageCfgScale?: number;
  isZeroTerminal?: true;
  latents: number[];
}
interface Fixture {
  prompt: string;
  negativePrompt: string;
  side: number;
  sha256: Record<Run['task'], string>;
  runs: Run[];
}
const url = new URL('../../fixtures/pipelines/runs.json', import.meta.url);
const { prompt, negativePrompt, side, sha256, runs } = JSON.parse(readFileSync(url, 'utf8')) as Fixture;

/** A slope of colours; the script makes the same. */
const image = {
  data: Uint8Array.from({ length: 3 * side * side }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return (4 * (pixel % side) + 2 * Math.floor(pixel / side) + 60 * (i % 3)) % 256;
  }),
  width: side,
  height: side,
};
/** White from a third of the width on, but for the lowest rows. */
const mask = {
  data: Uint8Array.from({ length: side * side }, (_, i) =>
    i < (side - 12) * side && i % side >= Math.floor(side / 3) ? 255 : 0,
  ),
  width: side,
  height: side,
};

const REFERENCE = fixture('diffusers 0.42.1');
const PIPELINES: Record<Run['pipeline'], string> = {
  text: 'text to image',
  image: 'image to image',
  instruct: 'instructions (8 channels)',
  inpaint: 'inpainting',
  legacy: 'inpainting, the picture itself kept',
};
const MODELS: Partial<Record<Run['task'], string>> = {
  inpaint: 'SD 1.x with 9 channels',
  sd2: 'SD 2.x, v prediction',
  sdxl: 'SDXL',
  refiner: 'SDXL refiner',
};
function featureOf({ pipeline, task, isZeroTerminal }: Run): string {
  const model = MODELS[task] ?? 'SD 1.x';
  return `${model}, ${PIPELINES[pipeline]}${isZeroTerminal ? ', v prediction from zero terminal SNR' : ''}`;
}

function draw(model: DiffusionModel, run: Run): AsyncGenerator<GenerationEvent, void> {
  const { sampler, steps, seed, cfgScale, strength, imageCfgScale } = run;
  const request = {
    ...{ prompt, negativePrompt, sampler, steps, seed, cfgScale, conventions: 'diffusers' as const },
    ...(sampler === 'DPM++ 2M' && { scheduler: 'Karras' }),
    ...(strength !== undefined && { strength }),
  };
  switch (run.pipeline) {
    case 'text':
      return textToImage(model, { ...request, width: side, height: side });
    case 'image':
      return imageToImage(model, { ...request, image });
    case 'instruct':
      return imageToImage(model, { ...request, image, imageCfgScale: imageCfgScale! });
    case 'inpaint':
      return inpaint(model, { ...request, image, mask });
    case 'legacy':
      return inpaint(model, { ...request, image, mask, keptNoise: 'legacy' });
  }
}

describe('whole pictures of checkpoints with made-up weights', () => {
  let folder: string;
  const models = new Map<string, DiffusionModel>();
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'atelier-pipelines-'));
    await writeCheckpoints(folder);
    for (const task of ['text', 'inpaint', 'instruct'] as const) {
      models.set(task, await openCheckpoint(join(folder, `${task}.safetensors`), { threads: 1 }));
    }
    models.set('sd2', await openCheckpoint(join(folder, 'sd2.safetensors'), { threads: 1, prediction: 'v' }));
    for (const task of ['sdxl', 'refiner'] as const) {
      models.set(task, await openCheckpoint(join(folder, `${task}.safetensors`), { threads: 1 }));
    }
    const options = { threads: 1, prediction: 'v', isZeroTerminal: true } as const;
    models.set('terminal', await openCheckpoint(join(folder, 'text.safetensors'), options));
  });
  afterAll(async () => {
    await Promise.all([...models.values()].map((model) => model.dispose()));
    rmSync(folder, { recursive: true });
  });

  it('are of byte for byte the checkpoints that the reference was run with', () => {
    for (const [task, expected] of Object.entries(sha256)) {
      const bytes = readFileSync(join(folder, `${task}.safetensors`));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(expected);
    }
  });

  it.each(runs)('$sampler in $steps steps: $pipeline, with a checkpoint for $task', async (run) => {
    const { latents } = await pictureOf(draw(models.get(run.isZeroTerminal ? 'terminal' : run.task)!, run));
    expect(latents.dims).toEqual([1, 4, side / 8, side / 8]);
    const mean = run.latents.reduce((sum, value) => sum + value, 0) / run.latents.length;
    const variance = run.latents.reduce((sum, value) => sum + (value - mean) ** 2, 0) / run.latents.length;
    // Rounding alone makes up to 1.5e-5. Noise that ends in noise alone begins at a level of 4096 in place of infinity,
    // where float32 has three digits less; DDIM of the reference begins at infinity.
    const tolerance = run.isZeroTerminal ? 1e-3 : 1e-4;
    const error = maxDifference(latents.data, run.latents) / Math.sqrt(variance);
    new Comparison('Whole pictures', featureOf(run), REFERENCE).within(error, tolerance, 'std');
  });
});
