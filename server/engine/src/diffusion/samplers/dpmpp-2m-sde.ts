import type { Latents } from '../latents.ts';
import { addScaled, subtract, weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import type { Ancestral } from './euler-ancestral.ts';
import { intervals } from './intervals.ts';

/**
 * DPM-Solver++(2M) for the stochastic equation: one evaluation a step, extrapolated from the last two, then
 * fresh noise. Lu et al. 2022, arXiv:2211.01095; k-diffusion, `sample_dpmpp_2m_sde`.
 * @param options.solver How the second-order term is integrated; default midpoint.
 */
export function dpmpp2mSde({
  eta = 1,
  noiseScale = 1,
  solver = 'midpoint',
}: Ancestral & { solver?: 'midpoint' | 'heun' } = {}): Sampler {
  return async function* (denoise, x, sigmas, noise) {
    let previous: { denoised: Latents; stride: number } | null = null;
    for (const { step, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      yield { step, sigma, x, denoised };
      if (next === 0) return denoised;
      const stride = Math.log(sigma / next);
      const decay = stride * (1 + eta);
      const renewed = -Math.expm1(-decay);
      const before = x;
      x = weightedSum([1 - renewed, before], [renewed, denoised]);
      if (previous) {
        const order2 = solver === 'midpoint' ? renewed / 2 : 1 - renewed / decay;
        x = addScaled(x, subtract(denoised, previous.denoised), (order2 * stride) / previous.stride);
      }
      const fresh = next * Math.sqrt(-Math.expm1(-2 * eta * stride));
      if (fresh > 0) x = addScaled(x, noise(sigma, next), noiseScale * fresh);
      previous = { denoised, stride };
    }
    return x;
  };
}
