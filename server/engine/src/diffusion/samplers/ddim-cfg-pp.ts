import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { ancestralStep, refreshed } from './ancestral-step.ts';
import { slope } from './steps.ts';
import { stepwise } from './stepwise.ts';

/**
 * DDIM whose steps go from the guided latents along the noise that the model sees without the prompt, so that they stay
 * on the manifold of pictures. "CFG++", Chung et al. 2024, Algorithm 2, arXiv:2406.08070. Its guidance scale lies
 * between 0 and 1. A denoiser without `uncond` has nothing but its answer to offer, and this is DDIM.
 */
export function ddimCfgPp({ eta = 0 }: { eta?: number } = {}): Sampler {
  return stepwise(async (task) => {
    const { denoise, x, sigma, next } = task;
    const denoised = await denoise(x, sigma);
    const { down, up } = ancestralStep(sigma, next, eta);
    const unguided = slope(x, denoised.uncond ?? denoised, sigma);
    return { x: refreshed(weightedSum([1, denoised], [down, unguided]), task, up), denoised };
  });
}
