import { describe, it } from 'vitest';
import type { Latents } from '../../../engine/src/diffusion/latents.ts';
import { scaled } from '../../../engine/src/diffusion/latents.ts';
import { brownianTreeNoise } from '../../../engine/src/diffusion/random/brownian-tree.ts';
import { seedSequence } from '../../../engine/src/diffusion/random/seed-sequence.ts';
import { TorchCpuGenerator } from '../../../engine/src/diffusion/random/torch-cpu.ts';
import { STABLE_DIFFUSION } from '../../../engine/src/diffusion/schedules/noise-levels.ts';
import { planSampling } from '../../../engine/src/pipelines/sampling-plan.ts';
import { resolveSettings } from '../../../engine/src/pipelines/settings.ts';
import { Comparison, fixture } from '../report/measure.ts';
import { contentOf } from './content-of.ts';
import { mixtureDenoiser } from './mixture.ts';

const TORCH = fixture('torch 2.13.0 on the CPU');
const row = (feature: string, origin = TORCH): Comparison =>
  new Comparison('Random numbers', feature, origin);

describe('random numbers', () => {
  interface RandomNumbers {
    draws: { seed: number; normals: number[][] }[];
    uniforms: { seed: number; values: number[] };
    seedSequences: { entropy: number; key: number[]; pool: number; words: number[] }[];
    brownian: {
      seed: number;
      sigmaMin: number;
      sigmaMax: number;
      steps: { from: number; to: number; values: number[] }[];
    };
  }
  const { draws, uniforms, seedSequences, brownian } = contentOf<RandomNumbers>('random.json');

  // torch's own scalar build differs from its vectorised one by 1.7e-6.
  it('are those of torch on the CPU', () => {
    for (const { seed, normals } of draws) {
      const generator = new TorchCpuGenerator(seed);
      for (const expected of normals) {
        row('Normals').close(generator.normals(expected.length), expected, 4e-6);
      }
    }
    const generator = new TorchCpuGenerator(uniforms.seed);
    row('Uniforms and integers').exact([...generator.uniforms(uniforms.values.length)], uniforms.values);
  });

  it('are seeded as by numpy', () => {
    for (const { entropy, key, pool, words } of seedSequences) {
      const made = [...seedSequence(BigInt(entropy), key.map(BigInt), pool, words.length)];
      row('Seeds of the Brownian tree', fixture('numpy 2.4.6')).exact(made, words);
    }
  });

  it('follow the Brownian path of torchsde', () => {
    const { seed, sigmaMin, sigmaMax, steps } = brownian;
    const noise = brownianTreeNoise(seed, steps[0]!.values.length, sigmaMin, sigmaMax);
    for (const { from, to, values } of steps) {
      row('Brownian tree', fixture('torchsde 0.2.6')).close(noise(from, to), values, 2e-5);
    }
  });
});

describe('samplers with the noise levels of diffusers', () => {
  interface Trajectories {
    dims: [number, number, number, number];
    spread: number;
    centres: number[][];
    startSeed: number;
    noiseSeed: number;
    runs: { sampler: string; options: { eta?: number }; steps: number; result: number[] }[];
  }
  const { dims, spread, centres, startSeed, noiseSeed, runs } = contentOf<Trajectories>('trajectories.json');

  // Both sides work in float32; diffusers' steps differ between its own kernels by up to 1e-5.
  it.each(runs)('$sampler $options ends where diffusers ends', async (run) => {
    const { sampler: name, options, steps, result } = run;
    const settings = resolveSettings(
      { prompt: '', sampler: name, steps, conventions: 'diffusers', ...options },
      { defaults: {} },
    );
    const { sampler, sigmas, entry, finish } = planSampling(settings, {
      noise: STABLE_DIFFUSION,
      prediction: 'epsilon',
    });
    const source = (seed: number) => {
      const generator = new TorchCpuGenerator(seed);
      return (): Latents => ({ data: generator.normals(result.length), dims });
    };
    const denoise = mixtureDenoiser({ s: spread, w: centres.map(() => 1), mu: centres });
    const walk = sampler(denoise, scaled(source(startSeed)(), entry.noise), sigmas, source(noiseSeed));
    let step = await walk.next();
    while (!step.done) step = await walk.next();
    const compared = new Comparison('Samplers', `${name}, with its own noise`, fixture('diffusers 0.42.1'));
    compared.close(scaled(step.value, finish).data, result, 1e-4);
  });
});
