import type { Latents } from '../latents.ts';
import { addScaled } from '../latents.ts';
import type { StepTask } from './stepwise.ts';

/** How much fresh noise a stochastic sampler adds. */
export interface Ancestral {
  /** Share of the noise that the reverse of the forward process has; default 1, 0 = deterministic. */
  eta?: number;
  /** Standard deviation of the noise; default 1. */
  noiseScale?: number;
}

/**
 * Splits a step to `next` into a deterministic step down to `down` and fresh noise `up` that leads back up:
 * `down² + up² = next²`.
 * @param eta 0 = no fresh noise, 1 = as much as the reverse of the forward process has.
 */
export function ancestralStep(sigma: number, next: number, eta: number): { down: number; up: number } {
  const up = Math.min(next, eta * next * Math.sqrt(1 - (next / sigma) ** 2));
  return { up, down: Math.sqrt(next ** 2 - up ** 2) };
}

/** `x` with the step's fresh noise of standard deviation `amount`; none is drawn for 0. */
export function refreshed(
  x: Latents,
  { noise, sigma, next }: Pick<StepTask, 'noise' | 'sigma' | 'next'>,
  amount: number,
): Latents {
  return amount > 0 ? addScaled(x, noise(sigma, next), amount) : x;
}
