import { expect } from 'vitest';
import type { Denoiser, Prediction, Predictor } from '../../../engine/src/diffusion/denoiser.ts';
import type { Latents } from '../../../engine/src/diffusion/latents.ts';
import { scaled, weightedSum } from '../../../engine/src/diffusion/latents.ts';
import { TorchCpuGenerator } from '../../../engine/src/diffusion/random/torch-cpu.ts';
import type { Sampler, StepNoise } from '../../../engine/src/diffusion/sampler.ts';
import type { NoiseLevels } from '../../../engine/src/diffusion/schedules/noise-levels.ts';
import { Comparison, golden } from '../report/measure.ts';
import type { GoldenTensor } from './goldens.ts';
import { goldenJson, goldenTensors, hasGoldens, maxDifference } from './goldens.ts';
import type { Mixture } from './mixture.ts';
import { mixtureDenoiser } from './mixture.ts';

const dims = [1, 4, 8, 8] as const;
const SIZE = 256;

export const mixture = (): Denoiser => mixtureDenoiser(goldenJson<Mixture>('samplers/mixture.json'));

/** A run of a sampler that is stored. */
export interface Case {
  id: string;
  model_calls: number;
}

/** The runs of a file, and their tensors; none on a clone without them. */
export function storedRuns<Golden extends Case>(name: string) {
  return {
    cases: hasGoldens ? goldenJson<{ cases: Golden[] }>(`samplers/${name}.json`).cases : [],
    tensors: hasGoldens ? goldenTensors(`samplers/${name}.safetensors`) : new Map<string, GoldenTensor>(),
  };
}

/** The states of a stack of latents at some indices. */
export function picked({ data, shape }: GoldenTensor, indices: number[]): GoldenTensor {
  const kept = indices.flatMap((index) => [...data.subarray(index * SIZE, (index + 1) * SIZE)]);
  return { data: Float32Array.from(kept), shape: [indices.length, ...shape.slice(1)] };
}

function row(stack: GoldenTensor, index: number): Latents {
  return { data: stack.data.subarray(index * SIZE, (index + 1) * SIZE), dims };
}

/** Where every stored run starts. */
export function start(scale: number): Latents {
  return scaled({ data: new TorchCpuGenerator(1234).normals(SIZE), dims }, scale);
}

/** Hands out stored noise, in call order. */
export function stored(stack: GoldenTensor | undefined): StepNoise {
  let next = 0;
  return () => {
    if (!stack || next >= stack.shape[0]!) throw new Error('the sampler draws more noise than its reference');
    return row(stack, next++);
  };
}

/**
 * Everything a sampler goes through: the latents with which each step begins, then the result.
 * @param seen With which it was `begun` (after churning or correcting), or those that it was `given`.
 */
export async function trajectory(
  sampler: Sampler,
  denoise: Denoiser,
  x: Latents,
  sigmas: readonly number[],
  { noise, seen = 'begun' }: { noise: StepNoise; seen?: 'begun' | 'given' },
): Promise<Latents[]> {
  const begun: Latents[] = [];
  const given: Latents[] = [x];
  const walk = sampler(denoise, x, sigmas, noise);
  for (;;) {
    const { done, value } = await walk.next();
    if (done) return seen === 'begun' ? [...begun, value] : given;
    begun.push(value.x);
    given.push(value.state.x);
  }
}

export function counted(denoise: Denoiser): { denoise: Denoiser; calls: () => number } {
  let calls = 0;
  return { denoise: (x, sigma) => (calls++, denoise(x, sigma)), calls: () => calls };
}

/** The row of docs/parity.md about a sampler. */
export const samplerRow = (sampler: string, against: string): Comparison =>
  new Comparison('Samplers', sampler, golden(against));

/** Compares states, by the largest number in each. @param scales Factors from ours to theirs. */
export function expectStates(
  compared: Comparison,
  states: Latents[],
  { expected, tolerance, scales = [] }: { expected: GoldenTensor; tolerance: number; scales?: number[] },
): void {
  expect(states).toHaveLength(expected.shape[0]!);
  states.forEach((state, index) => {
    const { data } = row(expected, index);
    const largest = data.reduce((max, value) => Math.max(max, Math.abs(value)), 1);
    const actual = scaled(state, scales[index] ?? 1).data;
    compared.within(maxDifference(actual, data) / largest, tolerance, 'largest', `state ${index}`);
  });
}

/** What a network would predict that knows the mixture. */
export function network(prediction: Prediction, levels: NoiseLevels): Predictor {
  return async (z, timestep) => {
    const clean = mixture();
    const sigma = levels.sigmaOf(timestep);
    const alpha = 1 / (1 + sigma ** 2);
    const denoised = await clean(scaled(z, 1 / Math.sqrt(alpha)), sigma);
    const noise = weightedSum([1 / Math.sqrt(1 - alpha), z], [-1 / sigma, denoised]);
    if (prediction === 'epsilon') return noise;
    return weightedSum([Math.sqrt(alpha), noise], [-Math.sqrt(1 - alpha), denoised]);
  };
}

/**
 * The reference works on latents of unit variance, ours keep their scale: they differ by √ᾱ = 1/√(1 + σ²).
 */
export const shrink = (sigma: number): number => 1 / Math.sqrt(1 + sigma ** 2);
