import type { Denoiser } from './denoiser.ts';
import type { Latents } from './latents.ts';

/**
 * Where a sampler is between two steps. Plain data (objects, arrays, numbers, `Float32Array`): it can be cloned, written
 * down and read in another process, where a sampler of the same settings goes on from it to the same result, bit for bit.
 */
export interface SamplerState {
  /** How many steps are done. */
  readonly step: number;
  readonly x: Latents;
  /** What the sampler remembers of earlier steps; nobody else looks into it. */
  readonly history: unknown;
}

/** One finished step of a sampler. */
export interface Step {
  /** 0…steps−1. Samplers that choose their own steps say here how far along `sigmas` they have come. */
  readonly step: number;
  /** Noise level at which it began. */
  readonly sigma: number;
  /** Latents with which it began, churned ones where the sampler churns. */
  readonly x: Latents;
  /** What the model took for the clean latents in its first evaluation of the step. */
  readonly denoised: Latents;
  /** Where the step ended. To go on from it, the noise source too must be as it is now. */
  readonly state: SamplerState;
}

/** Unit-variance noise of the latents' size, for a step between two noise levels. */
export type StepNoise = (from: number, to: number) => Latents;

/**
 * Walks latents down `sigmas` (descending, at least two), yielding after every step, and returns the latents at the
 * last noise level: clean ones where that is 0, as usual. Noise of standard deviation `sigma` lies on top of the
 * clean latents, which keep their scale ("variance exploding").
 * @param from The first latents, or the state to go on from.
 */
export type Sampler = (
  denoise: Denoiser,
  from: Latents | SamplerState,
  sigmas: readonly number[],
  noise: StepNoise,
) => AsyncGenerator<Step, Latents>;
