import type { NoiseLevels } from './noise-levels.ts';
import { normal } from './normal.ts';
import type { SigmaRange } from './schedule.ts';

/** Timesteps spaced evenly, the last of them left out: the way of Stability AI's generative-models. */
export function sgmUniform(steps: number, levels: NoiseLevels, range: SigmaRange): number[] {
  return normal(steps + 1, levels, range).toSpliced(steps, 1);
}
