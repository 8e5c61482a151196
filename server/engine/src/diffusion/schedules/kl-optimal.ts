import type { SigmaRange } from './schedule.ts';
import { evenly } from './schedule.ts';

/**
 * Angles spaced evenly between atan(σ_max) and atan(σ_min); ends there and not at 0. Sabour et al. 2024, "Align
 * Your Steps", theorem 3.1, arXiv:2404.14507.
 */
export function klOptimal(steps: number, { sigmaMin, sigmaMax }: SigmaRange): number[] {
  return evenly(Math.atan(sigmaMax), Math.atan(sigmaMin), steps + 1).map(Math.tan);
}
