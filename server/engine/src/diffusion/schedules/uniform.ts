import type { NoiseLevels } from './noise-levels.ts';
import { linspace } from './schedule.ts';

/** Timesteps spaced evenly from the noisiest to the cleanest: the model's own noise levels. */
export function uniform(steps: number, levels: NoiseLevels): number[] {
  const last = levels.sigmas.length - 1;
  return [...linspace(last, 0, steps).map((timestep) => levels.sigmaOf(timestep)), 0];
}
