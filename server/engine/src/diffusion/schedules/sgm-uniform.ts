import type { NoiseLevels } from './noise-levels.ts';
import { linspace } from './schedule.ts';

/** Timesteps spaced evenly, the last of them left out: the way of Stability AI's generative-models. */
export function sgmUniform(steps: number, levels: NoiseLevels): number[] {
  const timesteps = linspace(levels.sigmas.length - 1, 0, steps + 1).slice(0, -1);
  return [...timesteps.map((timestep) => levels.sigmaOf(timestep)), 0];
}
