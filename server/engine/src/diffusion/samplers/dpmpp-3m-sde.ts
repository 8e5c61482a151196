import { addScaled, weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import type { Ancestral } from './ancestral-step.ts';
import { refreshed } from './ancestral-step.ts';
import type { Sight } from './sight.ts';
import { remembered } from './sight.ts';
import { multistep } from './stepwise.ts';

/**
 * DPM-Solver++(3M) for the stochastic equation: one evaluation a step, extrapolated from the last three, then
 * fresh noise. Lu et al. 2022, arXiv:2211.01095; k-diffusion, `sample_dpmpp_3m_sde`.
 */
export function dpmpp3mSde({ eta = 1, noiseScale = 1 }: Ancestral = {}): Sampler {
  return multistep<readonly Sight[]>([], async (task, past) => {
    const { denoise, sigma, next } = task;
    const denoised = await denoise(task.x, sigma);
    if (next === 0) return { x: denoised, denoised, history: [] };
    const stride = Math.log(sigma / next);
    const decay = stride * (1 + eta);
    const renewed = -Math.expm1(-decay);
    const second = 1 - renewed / decay;
    const [last, older] = past;
    let x = weightedSum([1 - renewed, task.x], [renewed, denoised]);
    if (last) {
      const r0 = Math.log(last.sigma / sigma) / stride;
      const d0 = weightedSum([1 / r0, denoised], [-1 / r0, last.latents]);
      let first = d0;
      if (older) {
        const r1 = Math.log(older.sigma / last.sigma) / stride;
        const d1 = weightedSum([1 / r1, last.latents], [-1 / r1, older.latents]);
        const bend = weightedSum([1 / (r0 + r1), d0], [-1 / (r0 + r1), d1]);
        first = addScaled(d0, bend, r0);
        x = addScaled(x, bend, 0.5 - second / decay);
      }
      x = addScaled(x, first, second);
    }
    const fresh = next * Math.sqrt(-Math.expm1(-2 * eta * stride));
    x = refreshed(x, task, noiseScale * fresh);
    return { x, denoised, history: remembered({ latents: denoised, sigma }, past, 2) };
  });
}
