import { addScaled } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import type { Churn } from './churn.ts';
import { churned } from './churn.ts';
import { intervals } from './intervals.ts';
import { between, slope, towards } from './steps.ts';

/** Steps along the slope at their (logarithmic) middle, two evaluations each. Karras et al. 2022; DPM-Solver-2. */
export function dpm2(churn: Churn = {}): Sampler {
  return async function* (denoise, x, sigmas, noise) {
    for (const { step, sigma, next } of intervals(sigmas)) {
      const start = churned(x, sigma, sigmas.length - 1, noise, churn);
      const denoised = await denoise(start.x, start.sigma);
      let end = towards(denoised, start.x, start.sigma, next);
      if (next > 0) {
        const mid = between(start.sigma, next);
        const atMid = towards(denoised, start.x, start.sigma, mid);
        const midSlope = slope(atMid, await denoise(atMid, mid), mid);
        end = addScaled(start.x, midSlope, next - start.sigma);
      }
      yield { step, sigma, x: start.x, denoised };
      x = end;
    }
    return x;
  };
}
