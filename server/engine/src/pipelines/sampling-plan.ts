import type { Sampler } from '../diffusion/sampler.ts';
import type { SamplerEntry } from '../diffusion/samplers/index.ts';
import { scheduleEntries } from '../diffusion/schedules/index.ts';
import { NoiseLevels, scaledLinear } from '../diffusion/schedules/noise-levels.ts';
import { leadingTimesteps } from '../diffusion/schedules/timesteps.ts';
import { byName } from './catalogue.ts';
import type { Settings } from './settings.ts';

/** How a picture is sampled: what {@link planSampling} makes of the settings. */
export interface SamplingPlan {
  readonly sampler: Sampler;
  /** Noise levels to walk down. */
  readonly sigmas: readonly number[];
  /** Factor from unit noise to the first latents. */
  readonly start: number;
  /** Factor from the sampler's result to the finished latents. */
  readonly finish: number;
  readonly timestepOf: (sigma: number) => number;
  readonly noise: SamplerEntry['noise'];
}

type Wishes = Pick<Settings, 'sampler' | 'schedule' | 'steps' | 'eta'>;

/** The noise levels and the small print of a sampling run, by the conventions asked for. */
export function planSampling(settings: Wishes & Pick<Settings, 'conventions'>): SamplingPlan {
  return settings.conventions === 'webui' ? webuiPlan(settings) : diffusersPlan(settings);
}

/** Length of a vector of clean latents of variance 1 and noise of standard deviation `sigma`. */
const spread = (sigma: number): number => Math.sqrt(1 + sigma ** 2);

function webuiPlan({ sampler, schedule, steps, eta }: Wishes): SamplingPlan {
  const levels = new NoiseLevels(scaledLinear());
  const shared = { sampler: sampler.create(eta === null ? {} : { eta }), noise: sampler.noise };
  if (sampler.ownLevels) {
    const own = sampler.ownLevels(steps, levels);
    const timesteps = new Map(own.map(({ sigma, timestep }) => [sigma, timestep]));
    const sigmas = own.map(({ sigma }) => sigma);
    const timestepOf = (sigma: number) => timesteps.get(sigma) ?? levels.timestepOf(sigma);
    return { ...shared, sigmas, timestepOf, start: spread(sigmas[0]!), finish: 1 / spread(sigmas.at(-1)!) };
  }
  const { sigmas: levelsFor } = schedule ?? byName(scheduleEntries, sampler.defaultScheduler)!;
  const sigmas = sampler.skipsNextToLast
    ? levelsFor(steps + 1, levels).toSpliced(-2, 1)
    : levelsFor(steps, levels);
  const timestepOf = (sigma: number) => levels.timestepOf(sigma);
  return { ...shared, sigmas, timestepOf, start: sigmas[0]!, finish: 1 };
}

function diffusersPlan({ sampler, schedule, steps, eta }: Wishes): SamplingPlan {
  const levels = new NoiseLevels(scaledLinear('float32'));
  const leading = leadingTimesteps(steps).map((timestep) => levels.sigmaOf(timestep));
  const ownLevels = [...leading, sampler.ownLevels ? levels.sigmaOf(0) : 0];
  const sigmas = schedule && !sampler.ownLevels ? schedule.sigmas(steps, levels) : ownLevels;
  return {
    sampler: sampler.create(eta === null ? {} : { eta }),
    sigmas,
    start: spread(sigmas[0]!),
    finish: 1 / spread(sigmas.at(-1)!),
    timestepOf: (sigma) => Math.round(levels.timestepOf(sigma)),
    noise: 'sequence',
  };
}
