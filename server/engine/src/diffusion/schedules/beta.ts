import { inverseIncompleteBeta } from './incomplete-beta.ts';
import type { SigmaRange } from './schedule.ts';
import { evenly } from './schedule.ts';

/**
 * Levels spread over the range like the beta distribution: many at either end. Lee et al. 2024, "Beta Sampling is
 * All You Need", arXiv:2407.12173; the webui applies it to noise levels instead of timesteps.
 */
export function beta(steps: number, { sigmaMin, sigmaMax }: SigmaRange, a = 0.6, b = 0.6): number[] {
  const shares = evenly(1, 0, steps).map((share) => inverseIncompleteBeta(share, a, b));
  return [...shares.map((share) => sigmaMin + share * (sigmaMax - sigmaMin)), 0];
}
