import type { NoiseLevels } from './noise-levels.ts';
import { evenly } from './schedule.ts';

/**
 * The timesteps of the samplers that count them (DDIM, PLMS): every (1000 // steps)-th one from 1, descending.
 * Where 1000 is no multiple of `steps` the original code has one or a few more than `steps`.
 */
export function compvisTimesteps(steps: number): number[] {
  const stride = Math.floor(1000 / steps);
  const count = Math.ceil(1000 / stride);
  return Array.from({ length: count }, (_, i) => Math.min((count - 1 - i) * stride + 1, 999));
}

/** The `leading` spacing of diffusers with offset 1: exactly `steps` multiples of (1000 // steps), plus 1. */
export function leadingTimesteps(steps: number): number[] {
  const stride = Math.floor(1000 / steps);
  return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * stride + 1);
}

/** A noise level together with the timestep at which a sampler wants the model to be asked. */
export interface TimedLevel {
  readonly timestep: number;
  readonly sigma: number;
}

/** The `trailing` spacing: down from the noisiest timestep, which models with a zero-terminal schedule need. */
export function trailingTimesteps(steps: number): number[] {
  return Array.from({ length: steps }, (_, i) => Math.max(Math.round(1000 - (1000 / steps) * i) - 1, 0));
}

/** The levels of a sampler that chooses them itself, for the last part of the way. */
export interface OwnLevels {
  /** Where the picture is mixed with noise. */
  readonly entry: TimedLevel;
  readonly levels: readonly TimedLevel[];
}

/** The levels of DDIM and PLMS. */
export function compvisLevels(steps: number, levels: NoiseLevels): TimedLevel[] {
  // A single step would be left undone, and its noise be the picture.
  const timesteps = steps === 1 ? [999, 1] : compvisTimesteps(steps);
  return timesteps.map((timestep) => ({ timestep, sigma: levels.sigmaOf(timestep) }));
}

/** The last `count` of {@link compvisLevels}; as the webui has it, the picture enters one level above them. */
export function lastCompvisLevels(steps: number, count: number, levels: NoiseLevels): OwnLevels {
  const all = compvisTimesteps(steps).map((timestep) => ({ timestep, sigma: levels.sigmaOf(timestep) }));
  const [entry, ...rest] = all.slice(-count - 1);
  // With no step left the picture would stay as noisy as it was made.
  return { entry, levels: rest.length > 1 ? rest : [entry, all[all.length - 1]] };
}

/** As {@link lastCompvisLevels}, for UniPC. */
export function lastUniPcLevels(steps: number, count: number, levels: NoiseLevels): OwnLevels {
  const { entry, levels: rest } = lastCompvisLevels(steps, Math.max(count, 1), levels);
  return { entry, levels: uniPcLevels(Math.max(count, 1), levels, rest[0].timestep) };
}

/**
 * The levels of UniPC in the webui: `steps` + 1 even timesteps from `first` down to 0, with log √ᾱ, not log σ,
 * linear between whole ones.
 */
export function uniPcLevels(steps: number, { sigmas }: NoiseLevels, first = sigmas.length - 1): TimedLevel[] {
  const logAlpha = (timestep: number) => -Math.log1p(sigmas[timestep] ** 2) / 2;
  return evenly(first, 0, steps + 1).map((timestep) => {
    const low = Math.min(Math.floor(timestep), sigmas.length - 2);
    const [before, after] = [logAlpha(low), logAlpha(low + 1)];
    const log = before + (timestep - low) * (after - before);
    return { timestep, sigma: Math.sqrt(Math.expm1(-2 * log)) };
  });
}
