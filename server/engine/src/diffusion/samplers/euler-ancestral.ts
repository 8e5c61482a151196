import type { Sampler } from '../sampler.ts';
import type { Ancestral } from './ancestral-step.ts';
import { ancestralStep, refreshed } from './ancestral-step.ts';
import { towards } from './steps.ts';
import { stepwise } from './stepwise.ts';

/** An Euler step below the next noise level, then fresh noise up to it. k-diffusion, `sample_euler_ancestral`. */
export function eulerAncestral({ eta = 1, noiseScale = 1 }: Ancestral = {}): Sampler {
  return stepwise(async (task) => {
    const { denoise, x, sigma, next } = task;
    const denoised = await denoise(x, sigma);
    const { down, up } = ancestralStep(sigma, next, eta);
    return { x: refreshed(towards(denoised, x, sigma, down), task, up * noiseScale), denoised };
  });
}
