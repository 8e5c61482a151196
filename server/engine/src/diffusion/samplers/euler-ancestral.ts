import { addScaled } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { ancestralStep } from './ancestral-step.ts';
import { intervals } from './intervals.ts';
import { towards } from './steps.ts';

/** How much fresh noise a stochastic sampler adds. */
export interface Ancestral {
  /** Share of the noise that the reverse of the forward process has; default 1, 0 = deterministic. */
  eta?: number;
  /** Standard deviation of the noise; default 1. */
  noiseScale?: number;
}

/** An Euler step below the next noise level, then fresh noise up to it. k-diffusion, `sample_euler_ancestral`. */
export function eulerAncestral({ eta = 1, noiseScale = 1 }: Ancestral = {}): Sampler {
  return async function* (denoise, x, sigmas, noise) {
    for (const { step, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      yield { step, sigma, x, denoised };
      const { down, up } = ancestralStep(sigma, next, eta);
      x = towards(denoised, x, sigma, down);
      if (up > 0) x = addScaled(x, noise(sigma, next), up * noiseScale);
    }
    return x;
  };
}
