import type { Sampler } from '../sampler.ts';
import type { Ancestral } from './ancestral-step.ts';
import { ancestralStep, refreshed } from './ancestral-step.ts';
import { between, towards } from './steps.ts';
import { stepwise } from './stepwise.ts';

/**
 * DPM-Solver++(2S) steps below the next noise level, with an evaluation halfway, then fresh noise up to it.
 * Lu et al. 2022, Algorithm 1, arXiv:2211.01095; k-diffusion, `sample_dpmpp_2s_ancestral`.
 */
export function dpmpp2sAncestral({ eta = 1, noiseScale = 1 }: Ancestral = {}): Sampler {
  return stepwise(async (task) => {
    const { denoise, x, sigma, next } = task;
    const denoised = await denoise(x, sigma);
    const { down, up } = ancestralStep(sigma, next, eta);
    let target = denoised;
    if (down > 0) {
      const mid = between(sigma, down);
      target = await denoise(towards(denoised, x, sigma, mid), mid);
    }
    return { x: refreshed(towards(target, x, sigma, down), task, noiseScale * up), denoised };
  });
}
