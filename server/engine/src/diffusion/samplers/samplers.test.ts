import { describe, expect, it } from 'vitest';
import type { Denoiser } from '../denoiser.ts';
import type { Latents } from '../latents.ts';
import { scaled } from '../latents.ts';
import { TorchCpuGenerator } from '../random/torch-cpu.ts';
import type { Sampler, Step, StepNoise } from '../sampler.ts';
import { karras } from '../schedules/karras.ts';
import { euler } from './euler.ts';
import { samplerEntries } from './index.ts';

const SIZE = 512;
const dims = [1, 4, 16, 8] as const;
const range = { sigmaMin: 0.03, sigmaMax: 14.6 };

function noiseSource(seed: number): () => Latents {
  const generator = new TorchCpuGenerator(seed);
  return () => ({ data: generator.normals(SIZE), dims });
}

async function finish(
  sampler: Sampler,
  denoise: Denoiser,
  sigmas: number[],
  noise: StepNoise = noiseSource(2),
) {
  const steps: Step[] = [];
  const walk = sampler(denoise, scaled(noiseSource(1)(), sigmas[0]), sigmas, noise);
  for (;;) {
    const { done, value } = await walk.next();
    if (done) return { steps, result: value };
    steps.push(value);
  }
}

const constant = noiseSource(3)();

/** Knows that pictures are normal with this standard deviation around `constant`. */
const SPREAD = 0.5;
const gaussian: Denoiser = async ({ data }, sigma) => {
  const kept = SPREAD ** 2 / (SPREAD ** 2 + sigma ** 2);
  return { data: data.map((value, i) => constant.data[i] + kept * (value - constant.data[i])), dims };
};

const deviation = ({ data }: Latents) =>
  Math.sqrt(data.reduce((sum, value, i) => sum + (value - constant.data[i]) ** 2, 0) / data.length);

const STOCHASTIC = /^(Euler a|DDPM|DPM2 a|DPM\+\+ 2S a|DPM\+\+ .*SDE.*|Restart)$/;

describe.each(samplerEntries)('$name', ({ name, create }) => {
  it.each([1, 2, 3, 12])('ends in c if the denoiser always answers c, in %i steps', async (count) => {
    for (const eta of [undefined, 0, 0.5, 1]) {
      const sampler = create(eta === undefined ? {} : { eta });
      const { result } = await finish(sampler, async () => constant, karras(count, range));
      result.data.forEach((value, i) => expect(value).toBeCloseTo(constant.data[i], 4));
      expect(result.dims).toEqual(dims);
    }
  });

  it('hands out every step once, with the level and the latents it began with', async () => {
    const sigmas = karras(7, range);
    const { steps } = await finish(create({}), gaussian, sigmas);
    expect(steps.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(steps.map(({ sigma }) => sigma)).toEqual(sigmas.slice(0, -1));
    expect(steps[0].x).toEqual(scaled(noiseSource(1)(), sigmas[0]));
  });

  it('stops at the last noise level if that is not 0', async () => {
    const sigmas = karras(40, range).slice(0, 20);
    const { result } = await finish(create({}), gaussian, sigmas);
    const expected = Math.sqrt(SPREAD ** 2 + sigmas[19] ** 2);
    expect(Math.abs(deviation(result) / expected - 1)).toBeLessThan(0.1);
  });

  it('turns noise into pictures as varied as the denoiser knows them', async () => {
    const { result } = await finish(create({}), gaussian, karras(100, range));
    expect(Math.abs(deviation(result) / SPREAD - 1)).toBeLessThan(0.1);
  });

  it.skipIf(STOCHASTIC.test(name))('comes closer to the exact solution with more steps', async () => {
    // To the last level above 0: the jump from there has an error of its own, whatever the number of steps.
    const shrink = Math.hypot(SPREAD, range.sigmaMin) / Math.hypot(SPREAD, range.sigmaMax);
    const start = scaled(noiseSource(1)(), range.sigmaMax);
    const exact = start.data.map((value, i) => constant.data[i] + shrink * (value - constant.data[i]));
    const error = async (count: number) => {
      const { result } = await finish(create({}), gaussian, karras(count + 1, range).slice(0, -1));
      return Math.max(...result.data.map((value, i) => Math.abs(value - exact[i])));
    };
    const [coarse, fine] = [await error(16), await error(64)];
    expect(fine).toBeLessThan(coarse / 3.5);
  });
});

describe('euler with churn', () => {
  it('still ends in c if the denoiser always answers c', async () => {
    const { result } = await finish(euler({ churn: 5 }), async () => constant, karras(9, range));
    result.data.forEach((value, i) => expect(value).toBeCloseTo(constant.data[i], 4));
  });

  it('draws no noise without it', async () => {
    const noNoise = () => {
      throw new Error('drew noise');
    };
    await expect(finish(euler(), gaussian, karras(3, range), noNoise)).resolves.toBeDefined();
    await expect(finish(euler({ churn: 1 }), gaussian, karras(3, range), noNoise)).rejects.toThrow(
      'drew noise',
    );
  });
});

describe('the list of samplers', () => {
  it('has every name and alias once', () => {
    const names = samplerEntries.flatMap(({ name, aliases }) =>
      [name, ...aliases].map((n) => n.toLowerCase()),
    );
    expect(new Set(names).size).toBe(names.length);
  });
});
