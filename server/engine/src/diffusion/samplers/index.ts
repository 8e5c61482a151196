import type { Sampler } from '../sampler.ts';
import type { NoiseLevels } from '../schedules/noise-levels.ts';
import type { OwnLevels, TimedLevel } from '../schedules/timesteps.ts';
import { compvisLevels, lastCompvisLevels, lastUniPcLevels, uniPcLevels } from '../schedules/timesteps.ts';
import type { Ancestral } from './euler-ancestral.ts';
import { ddim } from './ddim.ts';
import { ddpm } from './ddpm.ts';
import { dpm2Ancestral } from './dpm-2-ancestral.ts';
import { dpm2 } from './dpm-2.ts';
import { dpmpp2mSde } from './dpmpp-2m-sde.ts';
import { dpmpp2m } from './dpmpp-2m.ts';
import { dpmpp2sAncestral } from './dpmpp-2s-ancestral.ts';
import { dpmpp3mSde } from './dpmpp-3m-sde.ts';
import { dpmppSde } from './dpmpp-sde.ts';
import { eulerAncestral } from './euler-ancestral.ts';
import { euler } from './euler.ts';
import { heun } from './heun.ts';
import { lms } from './lms.ts';
import { plms } from './plms.ts';
import { restart } from './restart.ts';
import { uniPc } from './unipc.ts';

/** A sampler that people can choose. */
export interface SamplerEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  /** Name of the schedule that `Automatic` means for it. */
  readonly defaultScheduler: string;
  readonly description: string;
  /** @param options.eta Share of fresh noise; left out: the sampler's own default. Ignored by those without any. */
  readonly create: (options: Pick<Ancestral, 'eta'>) => Sampler;
  /** Where its noise comes from: on from the sequence that made the first latents, or from one Brownian path. */
  readonly noise: 'sequence' | 'brownian-tree';
  /**
   * The noise levels of a sampler that lets nobody choose them. It works on latents of unit variance, which is how
   * its result is left at the last level.
   */
  readonly ownLevels?: (steps: number, levels: NoiseLevels) => TimedLevel[];
  /** Those of the last `count` steps, for a picture that is redone in part. */
  readonly lastOwnLevels?: (steps: number, count: number, levels: NoiseLevels) => OwnLevels;
  /** Its latents have unit variance in diffusers, as with own levels; those of the others keep their scale. */
  readonly isUnitVariance?: true;
  /** One step more is planned and the last but one noise level left out. */
  readonly skipsNextToLast?: true;
}

/** All samplers, the most useful first. A new one is a file and an entry here. */
export const samplerEntries: readonly SamplerEntry[] = [
  {
    name: 'DPM++ 2M',
    aliases: ['dpmpp_2m', 'k_dpmpp_2m'],
    defaultScheduler: 'Karras',
    description: 'Sharp in 15 to 25 steps, one evaluation each. A good first choice.',
    create: () => dpmpp2m,
    noise: 'sequence',
    isUnitVariance: true,
  },
  {
    name: 'Euler a',
    aliases: ['euler_ancestral', 'k_euler_a', 'k_euler_ancestral'],
    defaultScheduler: 'Uniform',
    description:
      'Adds fresh noise at every step: soft, varied pictures that change with the number of steps.',
    create: eulerAncestral,
    noise: 'sequence',
  },
  {
    name: 'Euler',
    aliases: ['k_euler'],
    defaultScheduler: 'Uniform',
    description: 'The plainest method: steady, predictable, 20 to 30 steps.',
    create: () => euler(),
    noise: 'sequence',
  },
  {
    name: 'DPM++ SDE',
    aliases: ['dpmpp_sde', 'k_dpmpp_sde'],
    defaultScheduler: 'Karras',
    description: 'Rich detail in few steps, each of which takes two evaluations.',
    create: dpmppSde,
    noise: 'brownian-tree',
  },
  {
    name: 'DPM++ 2M SDE',
    aliases: ['dpmpp_2m_sde', 'k_dpmpp_2m_sde'],
    defaultScheduler: 'Exponential',
    description: 'DPM++ 2M with fresh noise at every step.',
    create: dpmpp2mSde,
    noise: 'brownian-tree',
    isUnitVariance: true,
  },
  {
    name: 'DPM++ 2M SDE Heun',
    aliases: ['dpmpp_2m_sde_heun', 'k_dpmpp_2m_sde_heun'],
    defaultScheduler: 'Exponential',
    description: 'DPM++ 2M SDE with another second-order term.',
    create: (options) => dpmpp2mSde({ ...options, solver: 'heun' }),
    noise: 'brownian-tree',
  },
  {
    name: 'DPM++ 3M SDE',
    aliases: ['dpmpp_3m_sde', 'k_dpmpp_3m_sde'],
    defaultScheduler: 'Exponential',
    description: 'DPM++ 2M SDE of third order; likes 30 steps and more.',
    create: dpmpp3mSde,
    noise: 'brownian-tree',
    skipsNextToLast: true,
  },
  {
    name: 'DPM++ 2S a',
    aliases: ['dpmpp_2s_ancestral', 'k_dpmpp_2s_a'],
    defaultScheduler: 'Karras',
    description: 'Fresh noise at every step, each of which takes two evaluations.',
    create: dpmpp2sAncestral,
    noise: 'sequence',
  },
  {
    name: 'Heun',
    aliases: ['k_heun'],
    defaultScheduler: 'Uniform',
    description: 'Euler with every step corrected by a second evaluation.',
    create: () => heun(),
    noise: 'sequence',
  },
  {
    name: 'LMS',
    aliases: ['k_lms'],
    defaultScheduler: 'Uniform',
    description: 'Extrapolates from the last four steps. Wants 30 steps or more.',
    create: () => lms(),
    noise: 'sequence',
  },
  {
    name: 'DPM2',
    aliases: ['dpm_2', 'k_dpm_2'],
    defaultScheduler: 'Karras',
    description: 'An evaluation in the middle of every step; two a step.',
    create: () => dpm2(),
    noise: 'sequence',
    skipsNextToLast: true,
  },
  {
    name: 'DPM2 a',
    aliases: ['dpm_2_ancestral', 'k_dpm_2_a'],
    defaultScheduler: 'Karras',
    description: 'DPM2 with fresh noise at every step.',
    create: dpm2Ancestral,
    noise: 'sequence',
    skipsNextToLast: true,
  },
  {
    name: 'DDIM',
    aliases: [],
    defaultScheduler: 'Uniform',
    description: 'The first fast sampler. Picks its own noise levels.',
    create: ddim,
    noise: 'sequence',
    ownLevels: compvisLevels,
    lastOwnLevels: lastCompvisLevels,
    isUnitVariance: true,
  },
  {
    name: 'DDPM',
    aliases: [],
    defaultScheduler: 'Uniform',
    description: 'The original method: as much fresh noise as was trained with. Wants many steps.',
    create: () => ddpm,
    noise: 'sequence',
    isUnitVariance: true,
  },
  {
    name: 'UniPC',
    aliases: [],
    defaultScheduler: 'Uniform',
    description: 'Good pictures in 10 to 15 steps. Picks its own noise levels.',
    create: () => uniPc(),
    noise: 'sequence',
    ownLevels: (steps, levels) => uniPcLevels(steps, levels),
    lastOwnLevels: lastUniPcLevels,
    isUnitVariance: true,
  },
  {
    name: 'Restart',
    aliases: [],
    defaultScheduler: 'Karras',
    description: 'Heun steps that go back and try again; from 20 steps, two evaluations each.',
    create: () => restart,
    noise: 'sequence',
  },
  {
    name: 'PLMS',
    aliases: ['pndm'],
    defaultScheduler: 'Uniform',
    description: 'DDIM steps along a mean of the last four. Picks its own noise levels.',
    create: () => plms,
    noise: 'sequence',
    ownLevels: compvisLevels,
    lastOwnLevels: lastCompvisLevels,
    isUnitVariance: true,
  },
];
