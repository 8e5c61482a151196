import { addScaled } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { ancestralStep } from './ancestral-step.ts';
import type { Ancestral } from './euler-ancestral.ts';
import { intervals } from './intervals.ts';
import { between, slope, towards } from './steps.ts';

/** DPM-Solver-2 steps below the next noise level, then fresh noise up to it. k-diffusion, `sample_dpm_2_ancestral`. */
export function dpm2Ancestral({ eta = 1, noiseScale = 1 }: Ancestral = {}): Sampler {
  return async function* (denoise, x, sigmas, noise) {
    for (const { step, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      const { down, up } = ancestralStep(sigma, next, eta);
      let end = towards(denoised, x, sigma, down);
      if (down > 0) {
        const mid = between(sigma, down);
        const atMid = towards(denoised, x, sigma, mid);
        end = addScaled(x, slope(atMid, await denoise(atMid, mid), mid), down - sigma);
      }
      yield { step, sigma, x, denoised };
      x = up > 0 ? addScaled(end, noise(sigma, next), noiseScale * up) : end;
    }
    return x;
  };
}
