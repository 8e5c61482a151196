import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { refreshed } from './ancestral-step.ts';
import { stepwise } from './stepwise.ts';

/**
 * Ancestral sampling of denoising diffusion probabilistic models. Ho et al. 2020, equations 6 and 7,
 * arXiv:2006.11239: the next latents are drawn from the posterior of the forward process, given `x` and the
 * denoised latents. In our scale that has mean `(σ'²/σ²) x + (1 − σ'²/σ²) denoised`, variance `σ'² (1 − σ'²/σ²)`.
 * @param variance `posterior` (default), exact for a single picture; `forward`: as much as the step to the level was made
 * with, exact for pictures of pure noise (section 3.2). The step to 0 then has noise too.
 */
export function ddpm(variance: 'posterior' | 'forward' = 'posterior'): Sampler {
  return stepwise(async (task) => {
    const { denoise, x, sigma, next } = task;
    const denoised = await denoise(x, sigma);
    const kept = (next / sigma) ** 2;
    const mean = weightedSum([kept, x], [1 - kept, denoised]);
    const fresh =
      variance === 'posterior'
        ? next * Math.sqrt(1 - kept)
        : Math.sqrt(((1 + next ** 2) * (sigma ** 2 - next ** 2)) / (1 + sigma ** 2));
    return { x: refreshed(mean, task, fresh), denoised };
  });
}
