import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { ADAMS_BASHFORTH } from './adams-bashforth.ts';
import type { Sight } from './sight.ts';
import { remembered } from './sight.ts';
import { slope } from './steps.ts';
import { heunStep } from './heun.ts';
import { multistep } from './stepwise.ts';

/**
 * Pseudo linear multistep method. Liu et al. 2022, Algorithm 2, arXiv:2202.09778: DDIM steps along a mean of the
 * noise predicted in the last four steps; the first step is corrected as in Heun's method.
 */
export const plms: Sampler = multistep<readonly Sight[]>([], async (task, past) => {
  const { denoise, x, sigma, next } = task;
  const denoised = await denoise(x, sigma);
  const history = remembered({ latents: slope(x, denoised, sigma), sigma }, past, ADAMS_BASHFORTH.length);
  if (past.length === 0)
    return { x: await heunStep(denoise, { x, denoised, sigma, next }), denoised, history };
  const weights = ADAMS_BASHFORTH[history.length - 1];
  const terms = history.map(({ latents }, back) => [weights[back] * (next - sigma), latents] as const);
  return { x: weightedSum([1, x], ...terms), denoised, history };
});
