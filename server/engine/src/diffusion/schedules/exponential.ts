import type { SigmaRange } from './schedule.ts';
import { linspace } from './schedule.ts';

/** Levels whose logarithms are spaced evenly, in float32. */
export function exponential(steps: number, { sigmaMin, sigmaMax }: SigmaRange): number[] {
  const logs = linspace(Math.log(sigmaMax), Math.log(sigmaMin), steps);
  return [...logs.map((log) => Math.fround(Math.exp(log))), 0];
}
