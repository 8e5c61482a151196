import type { Denoiser } from '../denoiser.ts';
import type { Latents } from '../latents.ts';
import { addScaled } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import type { Churn } from './churn.ts';
import { churned } from './churn.ts';
import { between, slope, towards } from './steps.ts';
import { stepwise } from './stepwise.ts';

/** Steps along the slope at their (logarithmic) middle, two evaluations each. Karras et al. 2022; DPM-Solver-2. */
export function dpm2(churn: Churn = {}): Sampler {
  return stepwise(async (task) => {
    const { x, sigma } = churned(task, churn);
    const denoised = await task.denoise(x, sigma);
    const end = await dpm2Step(task.denoise, { x, denoised, sigma, next: task.next });
    return { x: end, denoised, began: x };
  });
}

/** A step along the slope at its middle after its first evaluation; a step to 0 is Euler's. */
export async function dpm2Step(
  denoise: Denoiser,
  { x, denoised, sigma, next }: { x: Latents; denoised: Latents; sigma: number; next: number },
): Promise<Latents> {
  if (next === 0) return towards(denoised, x, sigma, next);
  const mid = between(sigma, next);
  const atMid = towards(denoised, x, sigma, mid);
  return addScaled(x, slope(atMid, await denoise(atMid, mid), mid), next - sigma);
}
