import type { Denoiser } from './denoiser.ts';
import { weightedSum } from './latents.ts';
import { NoiseLevels } from './schedules/noise-levels.ts';

/** Of the 1000 timesteps consistency models are distilled on every 20th: 19, 39 … 999. */
const DISTILLED = 50;
const STRIDE = 1000 / DISTILLED;

/** Standard deviation of latents, and how much timesteps are stretched, in the weights of {@link consistent}. */
const SIGMA_DATA = 0.5;
const TIMESTEP_SCALE = 10;

/** The noise levels that a consistency model was distilled on, and the way between these. */
export function distilledLevels({ alphas }: NoiseLevels): NoiseLevels {
  return new NoiseLevels(Float32Array.from({ length: DISTILLED }, (_, i) => alphas[(i + 1) * STRIDE - 1]));
}

/** The distilled timestep whose noise level is nearest in log σ: 19, 39 … 999. */
export function distilledTimestep(distilled: NoiseLevels, sigma: number): number {
  return Math.round(distilled.timestepOf(sigma)) * STRIDE + STRIDE - 1;
}

/**
 * What a consistency model answers: its clean latents, and where there is hardly any noise `x` itself. Luo et al. 2023,
 * equation 9, arXiv:2310.04378; the webui's LCM sampler.
 * @param timestepOf The model's clock.
 */
export function consistent(denoise: Denoiser, timestepOf: (sigma: number) => number): Denoiser {
  return async (x, sigma) => {
    const time = timestepOf(sigma) * TIMESTEP_SCALE;
    const variance = time ** 2 + SIGMA_DATA ** 2;
    const answer = await denoise(x, sigma);
    return weightedSum([time / Math.sqrt(variance), answer], [SIGMA_DATA ** 2 / variance, x]);
  };
}
