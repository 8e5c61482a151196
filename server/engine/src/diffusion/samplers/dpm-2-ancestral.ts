import type { Sampler } from '../sampler.ts';
import type { Ancestral } from './ancestral-step.ts';
import { ancestralStep, refreshed } from './ancestral-step.ts';
import { dpm2Step } from './dpm-2.ts';
import { stepwise } from './stepwise.ts';

/** DPM-Solver-2 steps below the next noise level, then fresh noise up to it. k-diffusion, `sample_dpm_2_ancestral`. */
export function dpm2Ancestral({ eta = 1, noiseScale = 1 }: Ancestral = {}): Sampler {
  return stepwise(async (task) => {
    const { denoise, x, sigma, next } = task;
    const denoised = await denoise(x, sigma);
    const { down, up } = ancestralStep(sigma, next, eta);
    const end = await dpm2Step(denoise, { x, denoised, sigma, next: down });
    return { x: refreshed(end, task, noiseScale * up), denoised };
  });
}
