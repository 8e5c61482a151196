import { addScaled, subtract, weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import type { Ancestral } from './ancestral-step.ts';
import { refreshed } from './ancestral-step.ts';
import type { Sight } from './sight.ts';
import { multistep } from './stepwise.ts';

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
  return multistep<Sight | null>(null, async (task, previous) => {
    const { denoise, sigma, next } = task;
    const denoised = await denoise(task.x, sigma);
    if (next === 0) return { x: denoised, denoised, history: null };
    const stride = Math.log(sigma / next);
    const decay = stride * (1 + eta);
    const renewed = -Math.expm1(-decay);
    let x = weightedSum([1 - renewed, task.x], [renewed, denoised]);
    if (previous) {
      const order2 = solver === 'midpoint' ? renewed / 2 : 1 - renewed / decay;
      const ahead = (order2 * stride) / Math.log(previous.sigma / sigma);
      x = addScaled(x, subtract(denoised, previous.latents), ahead);
    }
    const fresh = next * Math.sqrt(-Math.expm1(-2 * eta * stride));
    x = refreshed(x, task, noiseScale * fresh);
    return { x, denoised, history: { latents: denoised, sigma } };
  });
}
