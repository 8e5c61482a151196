import type { Latents } from '../latents.ts';
import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { intervals } from './intervals.ts';
import { towards } from './steps.ts';

/**
 * DPM-Solver++(2M): the denoised latents are extrapolated from the last two steps, on a scale of −log σ. The
 * step to 0 is of first order. Lu et al. 2022, Algorithm 2, arXiv:2211.01095.
 */
export const dpmpp2m: Sampler = async function* (denoise, x, sigmas) {
  let previous: { denoised: Latents; stride: number } | null = null;
  for (const { step, sigma, next } of intervals(sigmas)) {
    const denoised = await denoise(x, sigma);
    yield { step, sigma, x, denoised };
    const stride = Math.log(sigma / next);
    let target = denoised;
    if (previous && next > 0) {
      const ahead = stride / (2 * previous.stride);
      target = weightedSum([1 + ahead, denoised], [-ahead, previous.denoised]);
    }
    x = towards(target, x, sigma, next);
    previous = { denoised, stride };
  }
  return x;
};
