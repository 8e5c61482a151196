import type { SigmaRange } from './schedule.ts';
import { evenly } from './schedule.ts';

/** Like `exponential`, with even steps raised to a power: `rho` above 1 gathers levels at low noise. */
export function polyexponential(steps: number, { sigmaMin, sigmaMax }: SigmaRange, rho = 1): number[] {
  const [low, high] = [Math.log(sigmaMin), Math.log(sigmaMax)];
  return [...evenly(1, 0, steps).map((share) => Math.exp(low + share ** rho * (high - low))), 0];
}
