import type { Latents } from '../latents.ts';
import { weightedSum } from '../latents.ts';

/**
 * Moves in a straight line from noise level `sigma` to `next`, away from or towards `denoised`: one Euler step
 * of the probability-flow ODE `dx/dσ = (x − denoised) / σ`, and the exact solution where `denoised` is constant.
 */
export function towards(denoised: Latents, x: Latents, sigma: number, next: number): Latents {
  const kept = next / sigma;
  return weightedSum([kept, x], [1 - kept, denoised]);
}

/** The direction `dx/dσ` of the probability-flow ODE: the noise that the model sees in `x`, unit variance. */
export function slope(x: Latents, denoised: Latents, sigma: number): Latents {
  return weightedSum([1 / sigma, x], [-1 / sigma, denoised]);
}

/** Noise level halfway between two others on a logarithmic scale, or another `share` of the way. */
export function between(sigma: number, next: number, share = 0.5): number {
  return sigma * (next / sigma) ** share;
}
