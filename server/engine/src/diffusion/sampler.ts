import type { Denoiser } from './denoiser.ts';
import type { Latents } from './latents.ts';

/** One finished step of a sampler. */
export interface Step {
  /** 0…steps−1. */
  readonly step: number;
  /** Noise level at which it began. */
  readonly sigma: number;
  /** Latents with which it began, churned ones where the sampler churns. */
  readonly x: Latents;
  /** What the model took for the clean latents in its first evaluation of the step. */
  readonly denoised: Latents;
}

/** Unit-variance noise of the latents' size, for a step between two noise levels. */
export type StepNoise = (from: number, to: number) => Latents;

/**
 * Walks `x` down `sigmas` (descending, at least two), yielding after every step, and returns the latents at the
 * last noise level: clean ones where that is 0, as usual. Noise of standard deviation `sigma` lies on top of the
 * clean latents, which keep their scale ("variance exploding").
 */
export type Sampler = (
  denoise: Denoiser,
  x: Latents,
  sigmas: readonly number[],
  noise: StepNoise,
) => AsyncGenerator<Step, Latents>;
