import type { Latents } from '../latents.ts';
import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { ADAMS_BASHFORTH } from './adams-bashforth.ts';
import type { Sight } from './sight.ts';
import { remembered } from './sight.ts';
import { slope, towards } from './steps.ts';
import { multistep } from './stepwise.ts';

/** What the mean of the last steps is taken of: the noise, or the model's own v, which becomes noise after it. */
export type Averaged = 'noise' | 'v';

/**
 * Pseudo linear multistep method. Liu et al. 2022, Algorithm 2, arXiv:2202.09778: DDIM steps along a mean of the
 * noise predicted in the last four steps; the first step is corrected as in Heun's method.
 * @param averaged diffusers takes the mean of what the model predicts, which for models of v gives other pictures
 */
export function plms(averaged: Averaged = 'noise'): Sampler {
  const { see, noiseOf } = MEANS[averaged];
  return multistep<readonly Sight[]>([], async ({ denoise, x, sigma, next }, past) => {
    const along = (mean: Latents): Latents => weightedSum([1, x], [next - sigma, noiseOf(mean, x, sigma)]);
    const denoised = await denoise(x, sigma);
    const first = see(x, denoised, sigma);
    const history = remembered({ latents: first, sigma }, past, ADAMS_BASHFORTH.length);
    if (past.length === 0 && next > 0) {
      const end = towards(denoised, x, sigma, next);
      const second = see(end, await denoise(end, next), next);
      return { x: along(weightedSum([0.5, first], [0.5, second])), denoised, history };
    }
    const weights = ADAMS_BASHFORTH[history.length - 1];
    const [newest, ...older] = history.map(({ latents }, back) => [weights[back], latents] as const);
    return { x: along(weightedSum(newest, ...older)), denoised, history };
  });
}

interface Mean {
  /** What is remembered of an evaluation at a noise level. */
  readonly see: (x: Latents, denoised: Latents, sigma: number) => Latents;
  /** The noise that a mean of such stands for at a noise level. */
  readonly noiseOf: (mean: Latents, x: Latents, sigma: number) => Latents;
}

/** Salimans & Ho 2022, arXiv:2202.00512: v = α ε − σ′ x₀ with α = 1/√(1+σ²), σ′ = σ α, of latents scaled by α. */
const MEANS: Readonly<Record<Averaged, Mean>> = {
  noise: { see: slope, noiseOf: (mean) => mean },
  v: {
    see: (x, denoised, sigma) => {
      const alpha = 1 / Math.sqrt(1 + sigma ** 2);
      return weightedSum([alpha, slope(x, denoised, sigma)], [-sigma * alpha, denoised]);
    },
    noiseOf: (mean, x, sigma) => {
      const alpha = 1 / Math.sqrt(1 + sigma ** 2);
      return weightedSum([alpha, mean], [sigma * alpha * alpha, x]);
    },
  },
};
