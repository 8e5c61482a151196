import type { Latents } from './latents.ts';
import { scaled, weightedSum } from './latents.ts';

/** Clean latents as a model sees them in noisy ones. */
export interface Denoised extends Latents {
  /** What it sees without the prompt, where these were guided away from it and the sampler asks for both. */
  readonly uncond?: Latents;
}

/** The clean latents the model sees in `x`, whose noise has standard deviation `sigma`. */
export type Denoiser = (x: Latents, sigma: number) => Promise<Denoised>;

/** A network's answer to latents of unit variance at a timestep 0…999, which may be fractional. */
export type Predictor = (x: Latents, timestep: number) => Promise<Latents>;

/** What a network predicts: the noise, or the velocity `√ᾱ · noise − √(1 − ᾱ) · clean latents`. */
export type Prediction = 'epsilon' | 'v';

/**
 * Makes a denoiser of a network: scales the input to unit variance, finds the timestep of the noise level, and
 * turns the prediction into clean latents. Velocity: Salimans & Ho 2022, appendix D, arXiv:2202.00512.
 * @param timestepOf The model's clock, as a rule `NoiseLevels.timestepOf`.
 */
export function denoiser(
  predict: Predictor,
  prediction: Prediction,
  timestepOf: (sigma: number) => number,
): Denoiser {
  return async (x, sigma) => {
    const spread = Math.sqrt(1 + sigma ** 2);
    const answer = await predict(scaled(x, 1 / spread), timestepOf(sigma));
    const share = shareOfLatents(prediction, sigma);
    return weightedSum([share, x], [prediction === 'epsilon' ? -sigma : -sigma / spread, answer]);
  };
}

/** What part of the noisy latents is in the denoised ones; the rest is a multiple of the prediction. */
export function shareOfLatents(prediction: Prediction, sigma: number): number {
  return prediction === 'epsilon' ? 1 : 1 / (1 + sigma ** 2);
}
