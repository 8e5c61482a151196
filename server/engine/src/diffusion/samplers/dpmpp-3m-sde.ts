import type { Latents } from '../latents.ts';
import { addScaled, weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import type { Ancestral } from './euler-ancestral.ts';
import { intervals } from './intervals.ts';

/**
 * DPM-Solver++(3M) for the stochastic equation: one evaluation a step, extrapolated from the last three, then
 * fresh noise. Lu et al. 2022, arXiv:2211.01095; k-diffusion, `sample_dpmpp_3m_sde`.
 */
export function dpmpp3mSde({ eta = 1, noiseScale = 1 }: Ancestral = {}): Sampler {
  return async function* (denoise, x, sigmas, noise) {
    /** Newest first; `stride` is the length of the step that led away from it, on a scale of −log σ. */
    let past: { denoised: Latents; stride: number }[] = [];
    for (const { step, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      yield { step, sigma, x, denoised };
      if (next === 0) return denoised;
      const stride = Math.log(sigma / next);
      const decay = stride * (1 + eta);
      const renewed = -Math.expm1(-decay);
      const second = 1 - renewed / decay;
      const [last, older] = past;
      x = weightedSum([1 - renewed, x], [renewed, denoised]);
      if (last) {
        const r0 = last.stride / stride;
        const d0 = weightedSum([1 / r0, denoised], [-1 / r0, last.denoised]);
        let first = d0;
        if (older) {
          const r1 = older.stride / stride;
          const d1 = weightedSum([1 / r1, last.denoised], [-1 / r1, older.denoised]);
          const bend = weightedSum([1 / (r0 + r1), d0], [-1 / (r0 + r1), d1]);
          first = addScaled(d0, bend, r0);
          x = addScaled(x, bend, 0.5 - second / decay);
        }
        x = addScaled(x, first, second);
      }
      const fresh = next * Math.sqrt(-Math.expm1(-2 * eta * stride));
      if (fresh > 0) x = addScaled(x, noise(sigma, next), noiseScale * fresh);
      past = [{ denoised, stride }, ...past].slice(0, 2);
    }
    return x;
  };
}
