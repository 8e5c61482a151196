import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { evenly } from '../schedules/schedule.ts';
import { lagrange } from './lms.ts';
import type { Sight } from './sight.ts';
import { remembered } from './sight.ts';
import { slope, towards } from './steps.ts';
import { multistep } from './stepwise.ts';

/**
 * Diffusion exponential integrator sampler: the slopes of the last steps are joined by a polynomial in time and
 * integrated. Zhang & Chen 2023, "tAB-DEIS", arXiv:2204.13902, equation 14; the time, and the sum that stands for the
 * integral, as in zju-pi/diff-sampler and Forge.
 * @param order 1…4.
 */
export function deis(order = 3): Sampler {
  return multistep<readonly Sight[]>([], async ({ denoise, x, sigma, next }, past) => {
    const denoised = await denoise(x, sigma);
    const history = remembered({ latents: slope(x, denoised, sigma), sigma }, past, order);
    if (next === 0 || history.length === 1)
      return { x: towards(denoised, x, sigma, next), denoised, history };
    const weights = integrals(
      history.map((sight) => timeOf(sight.sigma)),
      timeOf(next),
    );
    const terms = history.map(({ latents }, back) => [weights[back], latents] as const);
    return { x: weightedSum([1, x], ...terms), denoised, history };
  });
}

/** Of the continuous "variance preserving" process that has σ = 0.002 at time 0.001 and σ = 80 at time 1. */
const [EARLY, LATE] = [Math.log1p(0.002 ** 2) / 1e-3, Math.log1p(80 ** 2)];
const BETA_SLOPE = (2 * (EARLY - LATE)) / (1e-3 - 1);
const BETA_START = LATE - BETA_SLOPE / 2;

/** The time at which that process has this noise level. Karras et al. 2022, table 1. */
function timeOf(sigma: number): number {
  return (Math.sqrt(BETA_START ** 2 + 2 * BETA_SLOPE * Math.log1p(sigma ** 2)) - BETA_START) / BETA_SLOPE;
}

const POINTS = 10_000;

/** ∫ dσ over the step, times the polynomial of each node: how much of its slope is in the step. */
function integrals(times: readonly number[], next: number): number[] {
  const stride = (next - times[0]) / POINTS;
  const sums = times.map(() => 0);
  for (const time of evenly(times[0], next, POINTS)) {
    const alpha = Math.exp(-0.5 * time ** 2 * BETA_SLOPE - time * BETA_START);
    const growth = (0.5 * (time * BETA_SLOPE + BETA_START)) / Math.sqrt(alpha * (1 - alpha));
    for (let i = 0; i < sums.length; i++) sums[i] += growth * lagrange(times, i, time);
  }
  return sums.map((sum) => sum * stride);
}
