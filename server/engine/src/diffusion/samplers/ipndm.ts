import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { ADAMS_BASHFORTH } from './adams-bashforth.ts';
import type { Sight } from './sight.ts';
import { remembered } from './sight.ts';
import { slope } from './steps.ts';
import { multistep } from './stepwise.ts';

/** Weights of the slopes, newest first, of a step to `next`; `levels` says where they were, newest first. */
type Weights = (levels: readonly number[], next: number) => readonly number[];

/** Steps of the probability-flow ODE along a weighted mean of the slopes of the last four. */
function overPastSlopes(weightsOf: Weights): Sampler {
  return multistep<readonly Sight[]>([], async ({ denoise, x, sigma, next }, past) => {
    const denoised = await denoise(x, sigma);
    const history = remembered({ latents: slope(x, denoised, sigma), sigma }, past, ADAMS_BASHFORTH.length);
    const weights = weightsOf(
      history.map((sight) => sight.sigma),
      next,
    );
    const terms = history.map(({ latents }, back) => [weights[back] * (next - sigma), latents] as const);
    return { x: weightedSum([1, x], ...terms), denoised, history };
  });
}

/**
 * Improved pseudo numerical methods: Adams–Bashforth weights as for even steps, lower orders to begin with. Zhang & Chen
 * 2023, arXiv:2204.13902, section 3; Liu et al. 2022, arXiv:2202.09778.
 */
export const ipndm: Sampler = overPastSlopes(({ length }) => ADAMS_BASHFORTH[length - 1]);

/** {@link ipndm} with weights for the steps as they are. After zju-pi/diff-sampler, as Forge has it. */
export const ipndmV: Sampler = overPastSlopes(unevenWeights);

function unevenWeights(levels: readonly number[], next: number): number[] {
  const [h0, h1, h2, h3] = [next, ...levels].map((level, i, all) => level - all[i + 1]);
  if (levels.length === 1) return [1];
  const r = h0 / h1;
  const weights = [1 + r / 2, -r / 2, 0, 0];
  if (levels.length === 2) return weights;
  const q = h1 / h2;
  // For even steps this is Adams–Bashforth; for others the factor belongs outside the bracket, but not in the reference.
  const second = (1 - (h0 / (3 * (h0 + h1))) * ((h0 * (h0 + h1)) / (h1 * (h1 + h2)))) / 2;
  weights[0] += second;
  weights[1] -= (1 + q) * second;
  weights[2] += q * second;
  if (levels.length === 3) return weights;
  const third =
    (((1 - h0 / (3 * (h0 + h1))) / 2 + ((1 - h0 / (2 * (h0 + h1))) * h0) / (6 * (h0 + h1 + h2))) *
      (h0 * (h0 + h1) * (h0 + h1 + h2))) /
    (h1 * (h1 + h2) * (h1 + h2 + h3));
  const p = (h1 * (h1 + h2)) / (h2 * (h2 + h3));
  weights[0] += third;
  weights[1] -= (1 + q + p) * third;
  weights[2] += (q + p * (1 + h2 / h3)) * third;
  weights[3] -= p * q * third;
  return weights;
}
