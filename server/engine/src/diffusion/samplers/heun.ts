import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import type { Churn } from './churn.ts';
import { churned } from './churn.ts';
import { intervals } from './intervals.ts';
import { slope, towards } from './steps.ts';

/** Euler steps, each corrected by the slope at its end; two evaluations a step. Karras et al. 2022, Algorithm 2. */
export function heun(churn: Churn = {}): Sampler {
  return async function* (denoise, x, sigmas, noise) {
    for (const { step, sigma, next } of intervals(sigmas)) {
      const start = churned(x, sigma, sigmas.length - 1, noise, churn);
      const denoised = await denoise(start.x, start.sigma);
      let end = towards(denoised, start.x, start.sigma, next);
      if (next > 0) {
        const half = (next - start.sigma) / 2;
        const first = slope(start.x, denoised, start.sigma);
        const second = slope(end, await denoise(end, next), next);
        end = weightedSum([1, start.x], [half, first], [half, second]);
      }
      yield { step, sigma, x: start.x, denoised };
      x = end;
    }
    return x;
  };
}
