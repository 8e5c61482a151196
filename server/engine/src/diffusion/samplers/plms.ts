import type { Latents } from '../latents.ts';
import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { intervals } from './intervals.ts';
import { slope, towards } from './steps.ts';

/** Adams–Bashforth weights for even steps, newest first. */
const WEIGHTS = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
] as const;

/**
 * Pseudo linear multistep method. Liu et al. 2022, Algorithm 2, arXiv:2202.09778: DDIM steps along a mean of the
 * noise predicted in the last four steps; the first step is corrected as in Heun's method.
 */
export const plms: Sampler = async function* (denoise, x, sigmas) {
  let past: Latents[] = [];
  for (const { step, sigma, next } of intervals(sigmas)) {
    const denoised = await denoise(x, sigma);
    past = [slope(x, denoised, sigma), ...past].slice(0, WEIGHTS.length);
    let terms = past.map((noise, back) => [WEIGHTS[past.length - 1][back], noise] as const);
    if (step === 0 && next > 0) {
      const end = towards(denoised, x, sigma, next);
      terms = [
        [0.5, past[0]],
        [0.5, slope(end, await denoise(end, next), next)],
      ];
    }
    yield { step, sigma, x, denoised };
    x = weightedSum([1, x], ...terms.map(([weight, noise]) => [weight * (next - sigma), noise] as const));
  }
  return x;
};
