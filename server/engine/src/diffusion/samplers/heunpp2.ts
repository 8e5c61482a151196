import { addScaled, weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { slope, towards } from './steps.ts';
import { stepwise } from './stepwise.ts';

/**
 * Heun++: Euler steps along a mean of the slopes at their start and at the ends of one and two Euler steps, the later
 * ones with less weight the less noise there is; fewer slopes in the last two steps. After the extension
 * sd-webui-samplers-scheduler, as Forge has it.
 */
export const heunPp2: Sampler = stepwise(async ({ denoise, x, sigma, next, step, sigmas }) => {
  const denoised = await denoise(x, sigma);
  const last = sigmas.length - 1;
  /** Where the further evaluations are: none in the last step, one in the last but one. */
  const ahead = sigmas.slice(step + 1, Math.min(step + 3, last));
  const slopes = [slope(x, denoised, sigma)];
  let [at, level] = [towards(denoised, x, sigma, next), next];
  for (const place of ahead) {
    at = addScaled(at, slopes[slopes.length - 1], place - level);
    level = place;
    slopes.push(slope(at, await denoise(at, level), level));
  }
  const shares = ahead.map((place) => place / (slopes.length * sigmas[0]));
  const weights = [shares.reduce((rest, share) => rest - share, 1), ...shares];
  const terms = slopes.map((one, i) => [weights[i] * (next - sigma), one] as const);
  return { x: weightedSum([1, x], ...terms), denoised };
});
