import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { refreshed } from './ancestral-step.ts';
import { stepwise } from './stepwise.ts';

/**
 * Ancestral sampling of denoising diffusion probabilistic models. Ho et al. 2020, equations 6 and 7,
 * arXiv:2006.11239: the next latents are drawn from the posterior of the forward process, given `x` and the
 * denoised latents. In our scale that has mean `(σ'²/σ²) x + (1 − σ'²/σ²) denoised`, variance `σ'² (1 − σ'²/σ²)`.
 */
export const ddpm: Sampler = stepwise(async (task) => {
  const { denoise, x, sigma, next } = task;
  const denoised = await denoise(x, sigma);
  const kept = (next / sigma) ** 2;
  const mean = weightedSum([kept, x], [1 - kept, denoised]);
  return { x: refreshed(mean, task, next * Math.sqrt(1 - kept)), denoised };
});
