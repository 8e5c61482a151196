import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import type { Sight } from './sight.ts';
import { towards } from './steps.ts';
import { multistep } from './stepwise.ts';

/**
 * DPM-Solver++(2M): the denoised latents are extrapolated from the last two steps, on a scale of −log σ. The
 * step to 0 is of first order. Lu et al. 2022, Algorithm 2, arXiv:2211.01095.
 */
export const dpmpp2m: Sampler = multistep<Sight | null>(null, async (task, previous) => {
  const { denoise, x, sigma, next } = task;
  const denoised = await denoise(x, sigma);
  let target = denoised;
  if (previous && next > 0) {
    const ahead = Math.log(sigma / next) / (2 * Math.log(previous.sigma / sigma));
    target = weightedSum([1 + ahead, denoised], [-ahead, previous.latents]);
  }
  return { x: towards(target, x, sigma, next), denoised, history: { latents: denoised, sigma } };
});
