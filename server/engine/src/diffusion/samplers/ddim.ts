import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { ancestralStep, refreshed } from './ancestral-step.ts';
import { slope } from './steps.ts';
import { stepwise } from './stepwise.ts';

/**
 * Denoising diffusion implicit models, Song et al. 2021, equation 12, arXiv:2010.02502, here divided by √ᾱ since
 * our latents keep their scale: `next = denoised + √(σ'² − s²) · predicted noise + s · fresh noise`.
 * @param options.eta Equation 16: 0 (default) = deterministic, 1 = as noisy as DDPM.
 */
export function ddim({ eta = 0 }: { eta?: number } = {}): Sampler {
  return stepwise(async (task) => {
    const { denoise, x, sigma, next } = task;
    const denoised = await denoise(x, sigma);
    const { down, up } = ancestralStep(sigma, next, eta);
    const end = weightedSum([1, denoised], [down, slope(x, denoised, sigma)]);
    return { x: refreshed(end, task, up), denoised };
  });
}
