import type { Sampler } from '../diffusion/sampler.ts';
import type { SamplerEntry, SamplerOptions } from '../diffusion/samplers/index.ts';
import { scheduleEntries } from '../diffusion/schedules/index.ts';
import { NoiseLevels, scaledLinear, type NoiseTable } from '../diffusion/schedules/noise-levels.ts';
import { evenly } from '../diffusion/schedules/schedule.ts';
import { leadingTimesteps, trailingTimesteps } from '../diffusion/schedules/timesteps.ts';
import type { DiffusionModel } from '../families/diffusion-model.ts';
import { byName } from './catalogue.ts';
import { resolveGuidance, type GuidanceSettings } from './guidance-settings.ts';
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
  /** The sampler asks for what the model sees without the prompt, too. */
  readonly asksUnguided: boolean;
  readonly noise: SamplerEntry['noise'];
  /** Ends of the noise levels of the whole way, of which `sigmas` may be the last part. */
  readonly range: readonly [min: number, max: number];
  /** How many evaluations of the guided model the webui expects; samplers may ask for a few more or less. */
  readonly evaluations: number;
  /** What the sampler takes for noise levels in the webui are timesteps. */
  readonly countsTimesteps: boolean;
  readonly guidance: GuidanceSettings;
}

type Walk = Omit<SamplingPlan, 'evaluations' | 'countsTimesteps' | 'guidance'>;

type Wishes = Pick<Settings, 'sampler' | 'schedule' | 'steps' | 'eta' | 'conventions'> &
  Partial<Pick<Settings, 'knobs' | 'guidance'>>;

/**
 * The noise levels and the small print of a sampling run, by the conventions asked for.
 * @param redo Which part of the way is walked; null: all, from noise alone.
 */
export function planSampling(wishes: Wishes, model: Trained, redo: Redo | null = null): SamplingPlan {
  const { sampler, guidance = resolveGuidance({}) } = wishes;
  const isWebui = wishes.conventions === 'webui';
  const walk = isWebui ? webuiPlan(wishes, model.noise, redo) : diffusersPlan(wishes, model, redo);
  const { kept } = redoneSteps(wishes, redo);
  const evaluations = sampler.isSecondOrder ? 2 * kept : kept;
  return { ...walk, evaluations, countsTimesteps: isWebui && sampler.ownLevels !== undefined, guidance };
}

/** How the model was trained. */
type Trained = Pick<DiffusionModel, 'noise' | 'prediction'>;

/** Length of a vector of clean latents of variance 1 and noise of standard deviation `sigma`. */
export const spread = (sigma: number): number => Math.sqrt(1 + sigma ** 2);

function webuiPlan(wishes: Wishes, table: NoiseTable, redo: Redo | null): Walk {
  const levels = new NoiseLevels(scaledLinear('float64', table));
  if (wishes.sampler.ownLevels) return ownLevelsPlan(wishes, levels, redo);
  const { sampler, knobs = {} } = wishes;
  const { steps, kept } = redoneSteps(wishes, redo);
  const clock = sampler.clock?.(levels) ?? { levels, timestepOf: (sigma) => levels.timestepOf(sigma) };
  const all = scheduled(wishes, clock.levels, steps);
  const sigmas = all.slice(steps - kept);
  const first = sigmas[0]!;
  const noise = knobs.hasUnitVarianceStart && !redo ? spread(first) : first;
  const isFree = sampler.walksWholeRange && !redo;
  return {
    sampler: created(wishes, levels),
    sigmas: isFree ? evenly(levels.sigmaMax, levels.sigmaMin, steps + 1) : sigmas,
    entry: { picture: redo ? 1 : 0, noise },
    finish: 1,
    timestepOf: clock.timestepOf,
    asksUnguided: sampler.unguidedDivisor !== undefined,
    noise: sampler.noise,
    range: rangeOf(all),
  };
}

/** The noise levels of the schedule chosen, or of the sampler's own. */
function scheduled({ sampler, schedule, knobs = {} }: Wishes, levels: NoiseLevels, steps: number): number[] {
  const { sigmas } = schedule ?? byName(scheduleEntries, sampler.defaultScheduler)!;
  return (sampler.skipsNextToLast ?? knobs.skipsNextToLast)
    ? sigmas(steps + 1, levels, knobs.schedule).toSpliced(-2, 1)
    : sigmas(steps, levels, knobs.schedule);
}

/** Of a sampler that chooses its levels itself; its latents have unit variance in the reference. */
function ownLevelsPlan(wishes: Wishes, levels: NoiseLevels, redo: Redo | null): Walk {
  const { sampler, knobs = {} } = wishes;
  const { steps, kept } = redoneSteps(wishes, redo);
  const last = redo ? sampler.lastOwnLevels!(steps, kept - 1, levels, knobs.sampler) : null;
  const own = last?.levels ?? sampler.ownLevels!(steps, levels, knobs.sampler);
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
    asksUnguided: sampler.unguidedDivisor !== undefined,
    noise: sampler.noise,
    range: rangeOf(sigmas),
  };
}

function diffusersPlan(wishes: Wishes, { noise: table, prediction }: Trained, redo: Redo | null): Walk {
  const { sampler, schedule } = wishes;
  const { steps, kept } = redoneSteps(wishes, redo);
  const levels = new NoiseLevels(scaledLinear('float32', table));
  const spaced = table.isZeroTerminal ? trailingTimesteps : leadingTimesteps;
  const timesteps = (sampler.distilledTimesteps ?? spaced)(steps);
  const counted = timesteps.map((timestep) => levels.sigmaOf(timestep));
  const ownLevels = [...counted, sampler.ownLevels ? levels.sigmaOf(0) : 0];
  const all =
    schedule && !sampler.ownLevels ? schedule.sigmas(steps, levels, wishes.knobs?.schedule) : ownLevels;
  const sigmas = all.slice(steps - kept);
  const first = sigmas[0]!;
  return {
    sampler: created(wishes, levels, prediction === 'v' ? { averaged: 'v' } : {}),
    sigmas,
    entry: redo ? { picture: 1, noise: first } : { picture: 0, noise: spread(first) },
    finish: 1 / spread(sigmas.at(-1)!),
    timestepOf: (sigma) => Math.round(levels.timestepOf(sigma)),
    asksUnguided: sampler.unguidedDivisor !== undefined,
    noise: 'sequence',
    range: rangeOf(all),
  };
}

/** @param conventional what the conventions ask of the sampler */
function created(
  { sampler, eta, knobs = {} }: Wishes,
  levels: NoiseLevels,
  conventional: SamplerOptions = {},
): Sampler {
  return sampler.create({ ...conventional, ...knobs.sampler, ...(eta === null ? {} : { eta }) }, levels);
}

function rangeOf(sigmas: readonly number[]): [number, number] {
  const noisy = sigmas.filter((sigma) => sigma > 0);
  return [noisy.at(-1)!, noisy[0]!];
}
