import { addScaled } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { ancestralStep } from './ancestral-step.ts';
import type { Ancestral } from './euler-ancestral.ts';
import { intervals } from './intervals.ts';
import { between, towards } from './steps.ts';

/**
 * DPM-Solver++(2S) steps below the next noise level, with an evaluation halfway, then fresh noise up to it.
 * Lu et al. 2022, Algorithm 1, arXiv:2211.01095; k-diffusion, `sample_dpmpp_2s_ancestral`.
 */
export function dpmpp2sAncestral({ eta = 1, noiseScale = 1 }: Ancestral = {}): Sampler {
  return async function* (denoise, x, sigmas, noise) {
    for (const { step, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      const { down, up } = ancestralStep(sigma, next, eta);
      let target = denoised;
      if (down > 0) {
        const mid = between(sigma, down);
        target = await denoise(towards(denoised, x, sigma, mid), mid);
      }
      yield { step, sigma, x, denoised };
      x = towards(target, x, sigma, down);
      if (up > 0) x = addScaled(x, noise(sigma, next), noiseScale * up);
    }
    return x;
  };
}
