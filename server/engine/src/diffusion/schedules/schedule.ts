import type { NoiseLevels } from './noise-levels.ts';

const { fround } = Math;

/** Picks the noise levels for a number of steps: descending, `steps` levels and then, in most schedules, 0. */
export type Schedule = (steps: number, levels: NoiseLevels, options?: ScheduleOptions) => number[];

/** What can be said about a schedule beside the number of steps. Those that have no use for it pay no heed. */
export interface ScheduleOptions extends Partial<SigmaRange> {
  /** Exponent of Karras (default 7) and Polyexponential (default 1). */
  readonly rho?: number;
  /** Parameters of Beta; default 0.6 both. */
  readonly alpha?: number;
  readonly beta?: number;
  /** Levels that were found by measuring a model are there for SDXL too; default: those for Stable Diffusion 1.5. */
  readonly isSdxl?: boolean;
}

/** Ends of a schedule; those of the model's {@link NoiseLevels} unless others are asked for. */
export interface SigmaRange {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/** `count` values from `first` to `last`, both included; a single one is `first`. */
export function evenly(first: number, last: number, count: number): number[] {
  const stride = count > 1 ? (last - first) / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) => first + stride * i);
}

/**
 * The same in float32, as `torch.linspace` counts: from the nearer end. Brownian paths and exact comparison with
 * other programs make the last digit of a noise level matter.
 */
export function linspace(first: number, last: number, count: number): number[] {
  const [start, end] = [fround(first), fround(last)];
  const stride = fround(fround(end - start) / Math.max(count - 1, 1));
  return Array.from({ length: count }, (_, i) =>
    fround(i === 0 || i < count / 2 ? start + stride * i : end - stride * (count - 1 - i)),
  );
}
