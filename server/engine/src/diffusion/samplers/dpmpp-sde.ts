import { addScaled, weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import type { Ancestral } from './ancestral-step.ts';
import { ancestralStep } from './ancestral-step.ts';
import { between, towards } from './steps.ts';
import { stepwise } from './stepwise.ts';

const { fround } = Math;

/**
 * DPM-Solver++ for the stochastic equation, single step of second order with two evaluations: fresh noise at the
 * middle and at the end of every step. After Lu et al. 2022, arXiv:2211.01095; k-diffusion, `sample_dpmpp_sde`.
 * @param options.middle Place of the second evaluation within the step on a scale of −log σ; default 1/2.
 */
export function dpmppSde({
  eta = 1,
  noiseScale = 1,
  middle = 0.5,
}: Ancestral & { middle?: number } = {}): Sampler {
  return stepwise(async ({ denoise, noise, x, sigma, next }) => {
    const denoised = await denoise(x, sigma);
    if (next === 0) return { x: towards(denoised, x, sigma, next), denoised };
    const times = noiseTimes(sigma, next, middle);
    const mid = between(sigma, next, middle);
    const toMid = ancestralStep(sigma, mid, eta);
    const atMid = addScaled(
      towards(denoised, x, sigma, toMid.down),
      noise(times.start, times.middle),
      noiseScale * toMid.up,
    );
    const share = 1 / (2 * middle);
    const target = weightedSum([1 - share, denoised], [share, await denoise(atMid, mid)]);
    const toEnd = ancestralStep(sigma, next, eta);
    const end = towards(target, x, sigma, toEnd.down);
    return { x: addScaled(end, noise(times.start, times.end), noiseScale * toEnd.up), denoised };
  });
}

/**
 * The levels at which k-diffusion asks for noise: it computes them in float32, through logarithms. On a Brownian
 * path a millionth more or less shows in the third digit of the noise.
 */
function noiseTimes(
  sigma: number,
  next: number,
  share: number,
): { start: number; middle: number; end: number } {
  const [start, end] = [-fround(Math.log(sigma)), -fround(Math.log(next))];
  const middle = fround(start + fround(fround(end - start) * share));
  const level = (time: number) => fround(Math.exp(-time));
  return { start: level(start), middle: level(middle), end: level(end) };
}
