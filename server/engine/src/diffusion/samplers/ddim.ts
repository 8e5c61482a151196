import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { ancestralStep } from './ancestral-step.ts';
import { intervals } from './intervals.ts';
import { slope } from './steps.ts';

/**
 * Denoising diffusion implicit models, Song et al. 2021, equation 12, arXiv:2010.02502, here divided by √ᾱ since
 * our latents keep their scale: `next = denoised + √(σ'² − s²) · predicted noise + s · fresh noise`.
 * @param options.eta Equation 16: 0 (default) = deterministic, 1 = as noisy as DDPM.
 */
export function ddim({ eta = 0 }: { eta?: number } = {}): Sampler {
  return async function* (denoise, x, sigmas, noise) {
    for (const { step, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      yield { step, sigma, x, denoised };
      const { down, up } = ancestralStep(sigma, next, eta);
      const predicted = slope(x, denoised, sigma);
      x = weightedSum([1, denoised], [down, predicted]);
      if (up > 0) x = weightedSum([1, x], [up, noise(sigma, next)]);
    }
    return x;
  };
}
