import type { Sampler } from '../sampler.ts';
import { refreshed } from './ancestral-step.ts';
import { stepwise } from './stepwise.ts';

/**
 * Multistep sampling of consistency models: the denoised latents, noised again to the next level. Luo et al. 2023,
 * "Latent Consistency Models", Algorithm 3, arXiv:2310.04378. For models distilled to do it; see `consistency.ts`.
 */
export const lcm: Sampler = stepwise(async (task) => {
  const denoised = await task.denoise(task.x, task.sigma);
  return { x: refreshed(denoised, task, task.next), denoised };
});
