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

/** How UniPC spaces its levels: evenly in time (the default), in its square root, or in the logarithm of σ. */
export type UniPcSkip = 'time_uniform' | 'time_quadratic' | 'logSNR';

/** The levels of UniPC: as many steps as DDIM has timesteps. */
export function allUniPcLevels(steps: number, levels: NoiseLevels, skip?: UniPcSkip): TimedLevel[] {
  return uniPcLevels(compvisTimesteps(steps).length, levels, levels.sigmas.length - 1, skip);
}

/** As {@link lastCompvisLevels}, for UniPC. */
export function lastUniPcLevels(
  steps: number,
  count: number,
  levels: NoiseLevels,
  skip?: UniPcSkip,
): OwnLevels {
  const { entry, levels: rest } = lastCompvisLevels(steps, Math.max(count, 1), levels);
  return { entry, levels: uniPcLevels(Math.max(count, 1), levels, rest[0].timestep, skip) };
}

/**
 * The levels of UniPC in the webui: `steps` + 1 of them from timestep `first` down to 0, with log √ᾱ, not log σ, linear
 * between whole timesteps.
 */
export function uniPcLevels(
  steps: number,
  { sigmas }: NoiseLevels,
  first: number,
  skip: UniPcSkip = 'time_uniform',
): TimedLevel[] {
  const logAlpha = (timestep: number) => -Math.log1p(sigmas[timestep] ** 2) / 2;
  const at = (timestep: number): TimedLevel => {
    const low = Math.min(Math.floor(timestep), sigmas.length - 2);
    const log = logAlpha(low) + (timestep - low) * (logAlpha(low + 1) - logAlpha(low));
    return { timestep, sigma: Math.sqrt(Math.expm1(-2 * log)) };
  };
  if (skip === 'time_uniform') return evenly(first, 0, steps + 1).map(at);
  if (skip === 'time_quadratic') {
    // Their time is 1 at timestep 999 and 1/1000 at 0.
    return evenly(Math.sqrt(first + 1), 1, steps + 1).map((root) => at(Math.max(root ** 2 - 1, 0)));
  }
  const spaced = evenly(Math.log(at(first).sigma), Math.log(sigmas[0]), steps + 1).map(Math.exp);
  return spaced.map((sigma, i) => {
    if (i === 0) return at(first);
    const log = -Math.log1p(sigma ** 2) / 2;
    const high = Math.max(
      sigmas.findIndex((_, timestep) => logAlpha(timestep) <= log),
      1,
    );
    const share = (log - logAlpha(high - 1)) / (logAlpha(high) - logAlpha(high - 1));
    return { timestep: high - 1 + Math.min(Math.max(share, 0), 1), sigma };
  });
}

/** The timesteps of LCM and TCD: `steps` of the fifty that such models are distilled on, or of all where that is too few. */
export function distilledTimesteps(steps: number): number[] {
  const count = steps > 50 ? 1000 : 50;
  return Array.from(
    { length: steps },
    (_, i) => (count - Math.floor((i * count) / steps)) * (1000 / count) - 1,
  );
}

/** The levels of TCD, which end at the cleanest timestep. */
export function distilledTimedLevels(steps: number, levels: NoiseLevels): TimedLevel[] {
  return [...distilledTimesteps(steps), 0].map((timestep) => ({ timestep, sigma: levels.sigmaOf(timestep) }));
}

/** The last `count` + 1 steps of {@link distilledTimedLevels}. */
export function lastDistilledLevels(steps: number, count: number, levels: NoiseLevels): OwnLevels {
  const rest = distilledTimedLevels(steps, levels).slice(-count - 2);
  return { entry: rest[0], levels: rest };
}
