import type { Sampler } from '../sampler.ts';
import type { Churn } from './churn.ts';
import { churned } from './churn.ts';
import { towards } from './steps.ts';
import { stepwise } from './stepwise.ts';

/** Euler steps on the probability-flow ODE. Karras et al. 2022, Algorithm 2 without correction, arXiv:2206.00364. */
export function euler(churn: Churn = {}): Sampler {
  return stepwise(async (task) => {
    const { x, sigma } = churned(task, churn);
    const denoised = await task.denoise(x, sigma);
    return { x: towards(denoised, x, sigma, task.next), denoised, began: x };
  });
}
