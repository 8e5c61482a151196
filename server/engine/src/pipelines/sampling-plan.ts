import type { Sampler } from '../diffusion/sampler.ts';
import type { SamplerEntry } from '../diffusion/samplers/index.ts';
import { scheduleEntries } from '../diffusion/schedules/index.ts';
import { NoiseLevels, scaledLinear, type NoiseTable } from '../diffusion/schedules/noise-levels.ts';
import { leadingTimesteps, trailingTimesteps } from '../diffusion/schedules/timesteps.ts';
import { byName } from './catalogue.ts';
import type { Settings } from './settings.ts';
import { redoneSteps, type Redo } from './redone-steps.ts';

/** How a picture is sampled: what {@link planSampling} makes of the settings. */
export interface SamplingPlan {
  readonly sampler: Sampler;
  /** Noise levels to walk down. */
  readonly sigmas: readonly number[];
  /** The first latents: so much of the clean latents of a picture, 0 where there is none, and so much unit noise. */
  readonly entry: { readonly picture: number; readonly noise: number };
  /** Factor from the sampler's result to the finished latents. */
  readonly finish: number;
  readonly timestepOf: (sigma: number) => number;
  readonly noise: SamplerEntry['noise'];
  /** Ends of the noise levels of the whole way, of which `sigmas` may be the last part. */
  readonly range: readonly [min: number, max: number];
}

type Wishes = Pick<Settings, 'sampler' | 'schedule' | 'steps' | 'eta' | 'conventions'>;

/**
 * The noise levels and the small print of a sampling run, by the conventions asked for.
 * @param redo Which part of the way is walked; null: all, from noise alone.
 */
export function planSampling(wishes: Wishes, table: NoiseTable, redo: Redo | null = null): SamplingPlan {
  return wishes.conventions === 'webui' ? webuiPlan(wishes, table, redo) : diffusersPlan(wishes, table, redo);
}

/** Length of a vector of clean latents of variance 1 and noise of standard deviation `sigma`. */
export const spread = (sigma: number): number => Math.sqrt(1 + sigma ** 2);

function webuiPlan(wishes: Wishes, table: NoiseTable, redo: Redo | null): SamplingPlan {
  const levels = new NoiseLevels(scaledLinear('float64', table));
  if (wishes.sampler.ownLevels) return ownLevelsPlan(wishes, levels, redo);
  const { sampler, schedule } = wishes;
  const { steps, kept } = redoneSteps(wishes, redo);
  const { sigmas: levelsFor } = schedule ?? byName(scheduleEntries, sampler.defaultScheduler)!;
  const all = sampler.skipsNextToLast
    ? levelsFor(steps + 1, levels).toSpliced(-2, 1)
    : levelsFor(steps, levels);
  const sigmas = all.slice(steps - kept);
  return {
    sampler: created(wishes, levels),
    sigmas,
    entry: { picture: redo ? 1 : 0, noise: sigmas[0]! },
    finish: 1,
    timestepOf: (sigma) => levels.timestepOf(sigma),
    noise: sampler.noise,
    range: rangeOf(all),
  };
}

/** Of a sampler that chooses its levels itself; its latents have unit variance in the reference. */
function ownLevelsPlan(wishes: Wishes, levels: NoiseLevels, redo: Redo | null): SamplingPlan {
  const { sampler } = wishes;
  const { steps, kept } = redoneSteps(wishes, redo);
  const last = redo ? sampler.lastOwnLevels!(steps, kept - 1, levels) : null;
  const own = last?.levels ?? sampler.ownLevels!(steps, levels);
  const timesteps = new Map(own.map(({ sigma, timestep }) => [sigma, timestep]));
  const sigmas = own.map(({ sigma }) => sigma);
  const first = sigmas[0]!;
  // The picture enters at one level and is taken for one of the next.
  const picture = last ? spread(first) / spread(last.entry.sigma) : 0;
  return {
    sampler: created(wishes, levels),
    sigmas,
    entry: { picture, noise: last ? picture * last.entry.sigma : spread(first) },
    finish: 1 / spread(sigmas.at(-1)!),
    timestepOf: (sigma) => timesteps.get(sigma) ?? levels.timestepOf(sigma),
    noise: sampler.noise,
    range: rangeOf(sigmas),
  };
}

function diffusersPlan(wishes: Wishes, table: NoiseTable, redo: Redo | null): SamplingPlan {
  const { sampler, schedule } = wishes;
  const { steps, kept } = redoneSteps(wishes, redo);
  const levels = new NoiseLevels(scaledLinear('float32', table));
  const timesteps = table.isZeroTerminal ? trailingTimesteps(steps) : leadingTimesteps(steps);
  const counted = timesteps.map((timestep) => levels.sigmaOf(timestep));
  const ownLevels = [...counted, sampler.ownLevels ? levels.sigmaOf(0) : 0];
  const all = schedule && !sampler.ownLevels ? schedule.sigmas(steps, levels) : ownLevels;
  const sigmas = all.slice(steps - kept);
  const first = sigmas[0]!;
  return {
    sampler: created(wishes, levels),
    sigmas,
    entry: redo ? { picture: 1, noise: first } : { picture: 0, noise: spread(first) },
    finish: 1 / spread(sigmas.at(-1)!),
    timestepOf: (sigma) => Math.round(levels.timestepOf(sigma)),
    noise: 'sequence',
    range: rangeOf(all),
  };
}

function created({ sampler, eta }: Wishes, levels: NoiseLevels): Sampler {
  return sampler.create(eta === null ? {} : { eta }, levels);
}

function rangeOf(sigmas: readonly number[]): [number, number] {
  const noisy = sigmas.filter((sigma) => sigma > 0);
  return [noisy.at(-1)!, noisy[0]!];
}
