import { describe, expect, it } from 'vitest';
import { scaled } from '../../../engine/src/diffusion/latents.ts';
import { comfyUiNoise } from '../../../engine/src/diffusion/random/comfyui-noise.ts';
import type { PictureDims } from '../../../engine/src/diffusion/random/image-noise.ts';
import { imageNoise } from '../../../engine/src/diffusion/random/image-noise.ts';
import { TorchCpuGenerator } from '../../../engine/src/diffusion/random/torch-cpu.ts';
import { samplerEntries } from '../../../engine/src/diffusion/samplers/index.ts';
import { NoiseLevels, scaledLinear } from '../../../engine/src/diffusion/schedules/noise-levels.ts';
import { Comparison, fixture } from '../report/measure.ts';
import { contentOf } from './content-of.ts';
import { mixtureDenoiser } from './mixture.ts';

interface Mixed {
  dims: [number, number, number, number];
  spread: number;
  centres: number[][];
  startSeed: number;
}

describe('the samplers that Forge adds', () => {
  const { runs } = contentOf<{ runs: { sampler: string; sigmas: number[]; result: number[] }[] }>(
    'forge.json',
  );
  const { dims, spread, centres, startSeed } = contentOf<Mixed>('trajectories.json');
  const denoise = mixtureDenoiser({ s: spread, w: centres.map(() => 1), mu: centres });
  const levels = new NoiseLevels(scaledLinear());

  // As for k-diffusion: the reference is in float64, ours rounds every step to float32.
  it.each(runs)('$sampler with $sigmas', async ({ sampler: name, sigmas, result }) => {
    const start = { data: new TorchCpuGenerator(startSeed).normals(result.length), dims };
    const sampler = samplerEntries.find((entry) => entry.name === name)!.create({}, levels);
    const walk = sampler(denoise, scaled(start, sigmas[0]!), sigmas, () => {
      throw new Error('the sampler draws noise, its reference does not');
    });
    let step = await walk.next();
    while (!step.done) step = await walk.next();
    const largest = Math.max(1, ...result.map(Math.abs));
    const compared = new Comparison('Samplers', name, fixture('Forge 2.0.1, in float64'));
    compared.close(
      step.value.data.map((value) => value / largest),
      result.map((value) => value / largest),
      2e-5,
    );
  });
});

describe('the noise of pictures', () => {
  interface ImageNoises {
    dims: PictureDims;
    seed: number;
    variationSeed: number;
    cases: { variation?: number; resizeFrom?: [number, number]; delta?: number; draws: number[][] }[];
    comfyUi: number[][];
  }
  const { dims, seed, variationSeed, cases, comfyUi } = contentOf<ImageNoises>('image-noise.json');

  it.each(cases)('is put together as in the webui: $variation $resizeFrom $delta', (one) => {
    const { variation, resizeFrom, delta = 0, draws } = one;
    const noise = imageNoise({
      device: 'cpu',
      dims,
      seeds: [seed],
      ...(variation && { variation: { seeds: [variationSeed], strength: variation } }),
      ...(resizeFrom && { resizeFrom: { height: resizeFrom[0], width: resizeFrom[1] } }),
      stepSeedDelta: delta,
    });
    const compared = new Comparison('Random numbers', 'Noise of pictures', fixture('torch 2.13.0'));
    for (const expected of draws) compared.close(noise.next().data, expected, 2e-5);
  });

  it('is put together as in ComfyUI on the CPU', () => {
    const noise = comfyUiNoise({ seed, pictures: 2, dims, device: 'cpu' });
    const compared = new Comparison('Random numbers', 'Noise in ComfyUI', fixture('torch 2.13.0'));
    for (const expected of comfyUi) {
      const { data, dims: made } = noise.next();
      expect(made).toEqual([2, ...dims]);
      compared.close(data, expected, 4e-6);
    }
  });
});
