import type { NoiseLevels } from './noise-levels.ts';
import { normal } from './normal.ts';

/** Timesteps spaced evenly from the noisiest to the cleanest: the model's own noise levels. */
export function uniform(steps: number, levels: NoiseLevels): number[] {
  return normal(steps, levels, levels);
}
