import { describe, expect, it } from 'vitest';
import type { Denoiser } from '../denoiser.ts';
import { scaled } from '../latents.ts';
import type { ImageNoise, ImageNoiseRequest, ImageNoiseState } from '../random/image-noise.ts';
import { imageNoise } from '../random/image-noise.ts';
import type { Sampler, SamplerState, StepNoise } from '../sampler.ts';
import { karras } from '../schedules/karras.ts';
import { NoiseLevels, scaledLinear } from '../schedules/noise-levels.ts';
import type { SamplerEntry, SamplerOptions } from './index.ts';
import { samplerEntries } from './index.ts';

const levels = new NoiseLevels(scaledLinear());
const request: ImageNoiseRequest = { device: 'cpu', dims: [1, 3, 5], seeds: [4, 9], stepSeedDelta: 3 };

/** Bends what it is shown, so that no two steps are alike. */
const denoise: Denoiser = async ({ data, dims }, sigma) => ({
  data: data.map((value, i) => Math.sin(value + i) / (1 + sigma)),
  dims,
  uncond: { data: data.map((value) => Math.tanh(value) / (2 + sigma)), dims },
});

/** What another process would read: a copy that shares nothing; only plain data can be copied so. */
function written(value: unknown): unknown {
  if (value === null || ['number', 'boolean', 'string'].includes(typeof value)) return value;
  if (value instanceof Float32Array || value instanceof Uint32Array) return value.slice();
  if (Array.isArray(value)) return value.map(written);
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, written(one)]));
  }
  throw new TypeError(`not plain data: ${typeof value}`);
}

interface Saved {
  readonly sampler: SamplerState;
  readonly noise: ImageNoiseState;
}

function stepNoise(source: ImageNoise, { noise }: SamplerEntry, sigmas: readonly number[]): StepNoise {
  return noise === 'sequence'
    ? source.next
    : source.path([sigmas.findLast((sigma) => sigma > 0)!, sigmas[0]]);
}

/** Walks to the end, taking down the state after every step. */
async function straight(entry: SamplerEntry, sampler: Sampler, device: 'cpu' | 'gpu', sigmas: number[]) {
  const source = imageNoise({ ...request, device });
  const walk = sampler(denoise, scaled(source.next(), sigmas[0]), sigmas, stepNoise(source, entry, sigmas));
  const saved: Saved[] = [];
  for (;;) {
    const { done, value } = await walk.next();
    if (done) return { saved, result: value };
    saved.push(written({ sampler: value.state, noise: source.save() }) as Saved);
  }
}

async function resumed(
  entry: SamplerEntry,
  sampler: Sampler,
  { sampler: state, noise }: Saved,
  sigmas: readonly number[],
) {
  const device = noise.generators[0].kind === 'philox' ? 'gpu' : 'cpu';
  const source = imageNoise({ ...request, device }, noise);
  const walk = sampler(denoise, state, sigmas, stepNoise(source, entry, sigmas));
  for (;;) {
    const { done, value } = await walk.next();
    if (done) return value;
  }
}

describe.each(samplerEntries)('$name, left after any step', (entry) => {
  const settings: [string, SamplerOptions, 'cpu' | 'gpu', number][] = [
    ['the noise of the CPU', {}, 'cpu', 9],
    ['the noise of a GPU and churn', { churn: 4, eta: 0.7 }, 'gpu', 24],
  ];

  it.each(settings)('goes on to the same result with %s', async (_name, options, device, count) => {
    const sigmas = karras(count, levels);
    const sampler = () => entry.create(options, levels);
    const { saved, result } = await straight(entry, sampler(), device, sigmas);
    expect(saved.length).toBeGreaterThan(1);
    for (const state of saved) {
      expect(await resumed(entry, sampler(), state, sigmas)).toEqual(result);
    }
  });
});

describe('a saved noise source', () => {
  it.each(['cpu', 'gpu'] as const)('goes on with the same draws on the %s', (device) => {
    const source = imageNoise({ ...request, device });
    for (let draw = 0; draw < 4; draw++) {
      const copy = imageNoise({ ...request, device }, written(source.save()) as ImageNoiseState);
      const expected = [source.next(), source.next()];
      expect([copy.next(), copy.next()]).toEqual(expected);
    }
  });
});
