import type { SigmaRange } from './schedule.ts';
import { linspace } from './schedule.ts';

const { fround } = Math;

/**
 * Levels spaced evenly after taking the `rho`-th root. Karras et al. 2022, equation 5, arXiv:2206.00364. Every
 * digit as in k-diffusion, which works in float32.
 */
export function karras(steps: number, { sigmaMin, sigmaMax }: SigmaRange, rho = 7): number[] {
  const [low, high] = [sigmaMin ** (1 / rho), sigmaMax ** (1 / rho)];
  const roots = linspace(0, 1, steps).map((share) =>
    fround(fround(high) + fround(share * fround(low - high))),
  );
  return [...roots.map((root) => fround(root ** rho)), 0];
}
