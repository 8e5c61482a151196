import type { Sampler } from '../sampler.ts';
import type { Churn } from './churn.ts';
import { churned } from './churn.ts';
import { intervals } from './intervals.ts';
import { towards } from './steps.ts';

/** Euler steps on the probability-flow ODE. Karras et al. 2022, Algorithm 2 without correction, arXiv:2206.00364. */
export function euler(churn: Churn = {}): Sampler {
  return async function* (denoise, x, sigmas, noise) {
    for (const { step, sigma, next } of intervals(sigmas)) {
      const start = churned(x, sigma, sigmas.length - 1, noise, churn);
      const denoised = await denoise(start.x, start.sigma);
      yield { step, sigma, x: start.x, denoised };
      x = towards(denoised, start.x, start.sigma, next);
    }
    return x;
  };
}
