import { describe, expect, it } from 'vitest';
import type { Denoiser } from '../denoiser.ts';
import type { Latents } from '../latents.ts';
import { scaled } from '../latents.ts';
import { TorchCpuGenerator } from '../random/torch-cpu.ts';
import type { Sampler, Step, StepNoise } from '../sampler.ts';
import { karras } from '../schedules/karras.ts';
import { NoiseLevels, scaledLinear } from '../schedules/noise-levels.ts';
import { euler } from './euler.ts';
import { samplerEntries } from './index.ts';

const SIZE = 512;
const dims = [1, 4, 16, 8] as const;
const range = { sigmaMin: 0.03, sigmaMax: 14.6 };
const levels = new NoiseLevels(scaledLinear());

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

const STOCHASTIC = /^(Euler a|DDPM|DPM fast|DPM2 a|DPM\+\+ 2S a|DPM\+\+ .*SDE.*|Restart)$/;
/** They take what a distilled model answers for a picture; of another model it is the mean of many. */
const DISTILLED = /^(LCM|TCD)$/;
/** The step to 0 is many times the one before it: extrapolating that far makes much of the last digits. */
const ROUNDING: Partial<Record<string, number>> = { LMS: 2e-4, IPNDM_V: 3e-2 };
/** Its error is what it is told to have, whatever the number of steps. */
const ADAPTIVE = 'DPM adaptive';

describe.each(samplerEntries)('$name', ({ name, create, walksWholeRange = false }) => {
  it.each([1, 2, 3, 12, 150])('ends in c if the denoiser always answers c, in %i steps', async (count) => {
    for (const eta of [undefined, 0, 0.5, 1]) {
      const sampler = create(eta === undefined ? {} : { eta }, levels);
      const { result } = await finish(sampler, async () => constant, karras(count, range));
      // Those that stop at the last level above 0 leave its noise where it is.
      const left = walksWholeRange && count > 1 ? 5 * range.sigmaMin : (ROUNDING[name] ?? 5e-5);
      result.data.forEach((value, i) => expect(Math.abs(value - constant.data[i])).toBeLessThan(left));
      expect(result.dims).toEqual(dims);
    }
  });

  it.skipIf(walksWholeRange)(
    'hands out every step once, with the level and the latents it began with',
    async () => {
      const sigmas = karras(7, range);
      const { steps } = await finish(create({}, levels), gaussian, sigmas);
      expect(steps.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(steps.map(({ sigma }) => sigma)).toEqual(sigmas.slice(0, -1));
      expect(steps[0].x).toEqual(scaled(noiseSource(1)(), sigmas[0]));
      expect(steps.map(({ state }) => state.step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    },
  );

  it.skipIf(DISTILLED.test(name))('stops at the last noise level if that is not 0', async () => {
    const sigmas = karras(40, range).slice(0, 20);
    const { result } = await finish(create({}, levels), gaussian, sigmas);
    const expected = Math.sqrt(SPREAD ** 2 + sigmas[19] ** 2);
    expect(Math.abs(deviation(result) / expected - 1)).toBeLessThan(0.1);
  });

  it.skipIf(DISTILLED.test(name))(
    'turns noise into pictures as varied as the denoiser knows them',
    async () => {
      const { result } = await finish(create({}, levels), gaussian, karras(100, range));
      expect(Math.abs(deviation(result) / SPREAD - 1)).toBeLessThan(0.1);
    },
  );

  const hasNoOrder = STOCHASTIC.test(name) || DISTILLED.test(name) || name === ADAPTIVE;
  it.skipIf(hasNoOrder)('comes closer to the exact solution with more steps', async () => {
    // To the last level above 0: the jump from there has an error of its own, whatever the number of steps.
    const shrink = Math.hypot(SPREAD, range.sigmaMin) / Math.hypot(SPREAD, range.sigmaMax);
    const start = scaled(noiseSource(1)(), range.sigmaMax);
    const exact = start.data.map((value, i) => constant.data[i] + shrink * (value - constant.data[i]));
    const error = async (count: number) => {
      const sampler = create({}, levels);
      const { result } = await finish(sampler, gaussian, karras(count + 1, range).slice(0, -1));
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

describe('DPM adaptive', () => {
  const [entry] = samplerEntries.filter(({ name }) => name === ADAPTIVE);
  const sigmas = karras(5, range);

  it('says how far it is, and takes as long as it takes', async () => {
    const { steps } = await finish(entry.create({}, levels), gaussian, sigmas);
    const places = steps.map(({ step }) => step);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBe(0);
    expect(places.at(-1)).toBe(4);
    expect(places.length).toBeGreaterThan(10);
  });

  it('ends where the numbers of the model overflow', async () => {
    const broken: Denoiser = async ({ data }) => ({ data: data.map(() => NaN), dims });
    const { result } = await finish(entry.create({}, levels), broken, sigmas);
    expect(result.data.every(Number.isNaN)).toBe(true);
  });

  it('ends where every step is too coarse', async () => {
    let calls = 0;
    const restless: Denoiser = async ({ data }) => ({
      data: data.map((_, i) => 1e6 * Math.sin(++calls * (i + 1))),
      dims,
    });
    const small = async (x: Latents, sigma: number) => restless({ data: x.data.slice(0, 4), dims }, sigma);
    const start = { data: new Float32Array(4), dims: [1, 4, 1, 1] as const };
    const walk = entry.create({ eta: 0 }, levels)(small, start, [14.6, 0.03, 0], noiseSource(1));
    let steps = 0;
    while (!(await walk.next()).done) steps++;
    expect(steps).toBeLessThan(1100);
  });
});

describe('the list of samplers', () => {
  it('has the 20 of the webui, the five that Forge adds, and TCD', () => {
    const webui =
      'DPM++ 2M, DPM++ SDE, DPM++ 2M SDE, DPM++ 2M SDE Heun, DPM++ 2S a, DPM++ 3M SDE, Euler a, Euler, LMS, Heun, ' +
      'DPM2, DPM2 a, DPM fast, DPM adaptive, Restart, DDIM, DDIM CFG++, PLMS, UniPC, LCM';
    const expected = [...webui.split(', '), 'HeunPP2', 'IPNDM', 'IPNDM_V', 'DEIS', 'DDPM', 'TCD'];
    expect(samplerEntries.map(({ name }) => name).toSorted()).toEqual(expected.toSorted());
  });

  it('has every name and alias once', () => {
    const names = samplerEntries.flatMap(({ name, aliases }) =>
      [name, ...aliases].map((n) => n.toLowerCase()),
    );
    expect(new Set(names).size).toBe(names.length);
  });
});
