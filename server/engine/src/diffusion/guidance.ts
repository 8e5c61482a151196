import type { Denoiser } from './denoiser.ts';
import { weightedSum } from './latents.ts';

/** Classifier-free guidance: `uncond + cfgScale · (cond − uncond)`. Ho & Salimans 2022, arXiv:2207.12598. */
export function guided(cond: Denoiser, uncond: Denoiser, cfgScale: number): Denoiser {
  if (cfgScale === 1) return cond; // half the model calls
  return async (x, sigma) =>
    weightedSum([cfgScale, await cond(x, sigma)], [1 - cfgScale, await uncond(x, sigma)]);
}
