import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import type { NoiseLevels } from '../schedules/noise-levels.ts';
import { refreshed } from './ancestral-step.ts';
import { slope } from './steps.ts';
import { stepwise } from './stepwise.ts';

/**
 * Strategic stochastic sampling of trajectory consistency models: a straight step below the next level, to (1 − γ) of
 * its timestep, then fresh noise up to it. Zheng et al. 2024, Algorithm 4, arXiv:2402.19159; diffusers, `TCDScheduler`.
 * @param levels The model's noise levels.
 * @param options.eta γ: 0 = deterministic, 1 = as LCM; default 0.3.
 */
export function tcd(levels: NoiseLevels, { eta = 0.3 }: { eta?: number } = {}): Sampler {
  return stepwise(async (task) => {
    const { denoise, x, sigma, next } = task;
    const denoised = await denoise(x, sigma);
    const below = levels.sigmaOf(Math.floor((1 - eta) * Math.round(levels.timestepOf(next))));
    const down = next > 0 ? Math.min(below, next) : 0;
    const end = weightedSum([1, denoised], [down, slope(x, denoised, sigma)]);
    return { x: refreshed(end, task, Math.sqrt(next ** 2 - down ** 2)), denoised };
  });
}
