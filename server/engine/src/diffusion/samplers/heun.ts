import type { Denoiser } from '../denoiser.ts';
import type { Latents } from '../latents.ts';
import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import type { Churn } from './churn.ts';
import { churned } from './churn.ts';
import { slope, towards } from './steps.ts';
import { stepwise } from './stepwise.ts';

/** Euler steps, each corrected by the slope at its end; two evaluations a step. Karras et al. 2022, Algorithm 2. */
export function heun(churn: Churn = {}): Sampler {
  return stepwise(async (task) => {
    const { x, sigma } = churned(task, churn);
    const denoised = await task.denoise(x, sigma);
    const end = await heunStep(task.denoise, { x, denoised, sigma, next: task.next });
    return { x: end, denoised, began: x };
  });
}

/** A step of Heun's method after its first evaluation; a step to 0 is Euler's. */
export async function heunStep(
  denoise: Denoiser,
  { x, denoised, sigma, next }: { x: Latents; denoised: Latents; sigma: number; next: number },
): Promise<Latents> {
  const end = towards(denoised, x, sigma, next);
  if (next === 0) return end;
  const half = (next - sigma) / 2;
  const second = slope(end, await denoise(end, next), next);
  return weightedSum([1, x], [half, slope(x, denoised, sigma)], [half, second]);
}
