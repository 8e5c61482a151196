import type { Latents } from '../latents.ts';
import { addScaled } from '../latents.ts';
import type { StepTask } from './stepwise.ts';

/** Stochasticity of Karras et al. 2022, Algorithm 2: before a step some noise is added and the level raised. */
export interface Churn {
  /** Total amount over all steps, S_churn; default 0 = none. */
  churn?: number;
  /** Noise levels between which it acts, S_tmin and S_tmax; default all. */
  tMin?: number;
  tMax?: number;
  /** Standard deviation of the added noise, S_noise; default 1. */
  noiseScale?: number;
}

/** The latents and the noise level with which a step begins after churning. */
export function churned(
  { x, sigma, sigmas, noise }: StepTask,
  { churn = 0, tMin = 0, tMax = Infinity, noiseScale = 1 }: Churn,
): { x: Latents; sigma: number } {
  if (churn === 0) return { x, sigma };
  const fresh = noise(sigma, sigma);
  if (sigma < tMin || sigma > tMax) return { x, sigma };
  const raised = sigma * (1 + Math.min(churn / (sigmas.length - 1), Math.SQRT2 - 1));
  return { x: addScaled(x, fresh, noiseScale * Math.sqrt(raised ** 2 - sigma ** 2)), sigma: raised };
}
