import type { NoiseLevels } from './noise-levels.ts';
import type { SigmaRange } from './schedule.ts';
import { linspace } from './schedule.ts';

/** Timesteps spaced evenly between those of two noise levels. ComfyUI's `normal`. */
export function normal(steps: number, levels: NoiseLevels, range: SigmaRange): number[] {
  const [first, last] = [levels.timestepOf(range.sigmaMax), levels.timestepOf(range.sigmaMin)];
  return [...linspace(first, last, steps).map((timestep) => levels.sigmaOf(timestep)), 0];
}
