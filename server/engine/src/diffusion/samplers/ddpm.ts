import { addScaled, weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { intervals } from './intervals.ts';

/**
 * Ancestral sampling of denoising diffusion probabilistic models. Ho et al. 2020, equations 6 and 7,
 * arXiv:2006.11239: the next latents are drawn from the posterior of the forward process, given `x` and the
 * denoised latents. In our scale that has mean `(σ'²/σ²) x + (1 − σ'²/σ²) denoised`, variance `σ'² (1 − σ'²/σ²)`.
 */
export const ddpm: Sampler = async function* (denoise, x, sigmas, noise) {
  for (const { step, sigma, next } of intervals(sigmas)) {
    const denoised = await denoise(x, sigma);
    yield { step, sigma, x, denoised };
    const kept = (next / sigma) ** 2;
    x = weightedSum([kept, x], [1 - kept, denoised]);
    if (next > 0) x = addScaled(x, noise(sigma, next), next * Math.sqrt(1 - kept));
  }
  return x;
};
