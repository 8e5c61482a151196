import { consistent, distilledLevels, distilledTimestep } from '../consistency.ts';
import type { Sampler } from '../sampler.ts';
import type { NoiseLevels } from '../schedules/noise-levels.ts';
import type { OwnLevels, TimedLevel, UniPcSkip } from '../schedules/timesteps.ts';
import {
  allUniPcLevels,
  compvisLevels,
  distilledTimedLevels,
  distilledTimesteps,
  lastCompvisLevels,
  lastDistilledLevels,
  lastUniPcLevels,
} from '../schedules/timesteps.ts';
import type { Ancestral } from './ancestral-step.ts';
import type { Churn } from './churn.ts';
import { ddimCfgPp } from './ddim-cfg-pp.ts';
import { ddim } from './ddim.ts';
import { ddpm } from './ddpm.ts';
import { deis } from './deis.ts';
import { dpm2Ancestral } from './dpm-2-ancestral.ts';
import { dpm2 } from './dpm-2.ts';
import { dpmAdaptive } from './dpm-adaptive.ts';
import { dpmFast } from './dpm-fast.ts';
import { dpmpp2mSde } from './dpmpp-2m-sde.ts';
import { dpmpp2m } from './dpmpp-2m.ts';
import { dpmpp2sAncestral } from './dpmpp-2s-ancestral.ts';
import { dpmpp3mSde } from './dpmpp-3m-sde.ts';
import { dpmppSde } from './dpmpp-sde.ts';
import { eulerAncestral } from './euler-ancestral.ts';
import { euler } from './euler.ts';
import { heun } from './heun.ts';
import { heunPp2 } from './heunpp2.ts';
import { ipndm, ipndmV } from './ipndm.ts';
import { lcm } from './lcm.ts';
import { lms } from './lms.ts';
import { plms, type Averaged } from './plms.ts';
import { restart } from './restart.ts';
import { tcd } from './tcd.ts';
import type { UniPc } from './unipc.ts';
import { uniPc } from './unipc.ts';

/** What can be said about a sampler. Each takes what it knows and pays no heed to the rest, as in the webui. */
export interface SamplerOptions extends Ancestral, Churn {
  /** PLMS's: what its means are taken of. */
  averaged?: Averaged;
  /** UniPC's, and how its levels are spaced. */
  uniPc?: UniPc & { skip?: UniPcSkip };
}

/** How a model counts its noise levels, where a sampler sees it in another light. */
export interface ModelClock {
  /** What schedules choose from. */
  readonly levels: NoiseLevels;
  readonly timestepOf: (sigma: number) => number;
}

/** A sampler that people can choose. */
export interface SamplerEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  /** Name of the schedule that `Automatic` means for it. */
  readonly defaultScheduler: string;
  readonly description: string;
  /** @param options.eta Share of fresh noise; left out: the webui's default for the sampler. */
  readonly create: (options: SamplerOptions, levels: NoiseLevels) => Sampler;
  /** Where its noise comes from: on from the sequence that made the first latents, or from one Brownian path. */
  readonly noise: 'sequence' | 'brownian-tree';
  /** A step takes two evaluations, which the webui counts: by progress and by prompts that change on the way. */
  readonly isSecondOrder?: true;
  /** The webui says so where the seed of the steps' noise is another ("ENSD"). */
  readonly usesStepSeedDelta?: true;
  /**
   * The noise levels of a sampler that lets nobody choose them. It works on latents of unit variance, which is how
   * its result is left at the last level.
   */
  readonly ownLevels?: (steps: number, levels: NoiseLevels, options?: SamplerOptions) => TimedLevel[];
  /** Those of the last `count` steps, for a picture that is redone in part. */
  readonly lastOwnLevels?: (
    steps: number,
    count: number,
    levels: NoiseLevels,
    options?: SamplerOptions,
  ) => OwnLevels;
  /** Its latents have unit variance in diffusers, as with own levels; those of the others keep their scale. */
  readonly isUnitVariance?: true;
  /** One step more is planned and the last but one noise level left out. */
  readonly skipsNextToLast?: true;
  /** It walks from the model's noisiest level to its cleanest, whatever the schedule; only the number of levels counts. */
  readonly walksWholeRange?: true;
  /** The timesteps of the models that it is for, in diffusers. */
  readonly distilledTimesteps?: (steps: number) => number[];
  /** The levels and the clock of the models that it is for. */
  readonly clock?: (levels: NoiseLevels) => ModelClock;
  /** It asks the denoiser for what it sees without the prompt too, and takes guidance scales divided by this. */
  readonly unguidedDivisor?: number;
}

const etaOnly = ({ eta }: SamplerOptions): { eta?: number } => (eta === undefined ? {} : { eta });

/** What the webui's LCM sampler makes of a model. */
const lcmClock = (levels: NoiseLevels): ModelClock => {
  const distilled = distilledLevels(levels);
  return { levels: distilled, timestepOf: (sigma) => distilledTimestep(distilled, sigma) };
};

function createLcm(_options: SamplerOptions, levels: NoiseLevels): Sampler {
  const { timestepOf } = lcmClock(levels);
  return (denoise, ...rest) => lcm(consistent(denoise, timestepOf), ...rest);
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
    create: (options) => eulerAncestral(etaOnly(options)),
    noise: 'sequence',
    usesStepSeedDelta: true,
  },
  {
    name: 'Euler',
    aliases: ['k_euler'],
    defaultScheduler: 'Uniform',
    description: 'The plainest method: steady, predictable, 20 to 30 steps.',
    create: euler,
    noise: 'sequence',
  },
  {
    name: 'DPM++ SDE',
    aliases: ['dpmpp_sde', 'k_dpmpp_sde'],
    defaultScheduler: 'Karras',
    description: 'Rich detail in few steps, each of which takes two evaluations.',
    create: dpmppSde,
    noise: 'brownian-tree',
    isSecondOrder: true,
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
    isSecondOrder: true,
    usesStepSeedDelta: true,
  },
  {
    name: 'Heun',
    aliases: ['k_heun'],
    defaultScheduler: 'Uniform',
    description: 'Euler with every step corrected by a second evaluation.',
    create: heun,
    noise: 'sequence',
    isSecondOrder: true,
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
    create: dpm2,
    noise: 'sequence',
    isSecondOrder: true,
    skipsNextToLast: true,
  },
  {
    name: 'DPM2 a',
    aliases: ['dpm_2_ancestral', 'k_dpm_2_a'],
    defaultScheduler: 'Karras',
    description: 'DPM2 with fresh noise at every step.',
    create: dpm2Ancestral,
    noise: 'sequence',
    isSecondOrder: true,
    usesStepSeedDelta: true,
    skipsNextToLast: true,
  },
  {
    name: 'DPM fast',
    aliases: ['dpm_fast', 'k_dpm_fast'],
    defaultScheduler: 'Uniform',
    description: 'Steps of third order with fresh noise. Picks its own noise levels; leaves a little noise.',
    create: (options) => dpmFast({ eta: 1, ...options }),
    noise: 'sequence',
    usesStepSeedDelta: true,
    walksWholeRange: true,
  },
  {
    name: 'DPM adaptive',
    aliases: ['dpm_adaptive', 'k_dpm_ad'],
    defaultScheduler: 'Uniform',
    description: 'Chooses its steps by their error: takes as long as it takes, whatever the number of steps.',
    create: (options) => dpmAdaptive({ eta: 1, ...etaOnly(options) }),
    noise: 'sequence',
    usesStepSeedDelta: true,
    walksWholeRange: true,
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
    name: 'DDIM CFG++',
    aliases: ['ddim_cfgpp'],
    defaultScheduler: 'Uniform',
    description: 'DDIM that stays closer to what the model knows at any CFG scale; try 7 to 12.',
    create: ddimCfgPp,
    noise: 'sequence',
    ownLevels: compvisLevels,
    lastOwnLevels: lastCompvisLevels,
    isUnitVariance: true,
    unguidedDivisor: 12.5,
  },
  {
    name: 'DDPM',
    aliases: [],
    defaultScheduler: 'Uniform',
    description: 'The original method: as much fresh noise as was trained with. Wants many steps.',
    create: () => ddpm(),
    noise: 'sequence',
    isUnitVariance: true,
  },
  {
    name: 'UniPC',
    aliases: [],
    defaultScheduler: 'Uniform',
    description: 'Good pictures in 10 to 15 steps. Picks its own noise levels.',
    create: (options) => uniPc(options.uniPc),
    noise: 'sequence',
    ownLevels: (steps, levels, options) => allUniPcLevels(steps, levels, options?.uniPc?.skip),
    lastOwnLevels: (steps, count, levels, options) =>
      lastUniPcLevels(steps, count, levels, options?.uniPc?.skip),
    isUnitVariance: true,
  },
  {
    name: 'Restart',
    aliases: [],
    defaultScheduler: 'Karras',
    description: 'Heun steps that go back and try again; from 20 steps, two evaluations each.',
    create: () => restart,
    noise: 'sequence',
    isSecondOrder: true,
  },
  {
    name: 'PLMS',
    aliases: ['pndm'],
    defaultScheduler: 'Uniform',
    description: 'DDIM steps along a mean of the last four. Picks its own noise levels.',
    create: ({ averaged }) => plms(averaged),
    noise: 'sequence',
    ownLevels: compvisLevels,
    lastOwnLevels: lastCompvisLevels,
    isUnitVariance: true,
  },
  {
    name: 'LCM',
    aliases: ['k_lcm'],
    defaultScheduler: 'Uniform',
    description:
      'For models and LoRAs distilled as latent consistency models: 2 to 8 steps, CFG scale 1 to 2.',
    create: createLcm,
    noise: 'sequence',
    clock: lcmClock,
    distilledTimesteps,
    isUnitVariance: true,
  },
  {
    name: 'TCD',
    aliases: [],
    defaultScheduler: 'Uniform',
    description:
      'For models and LoRAs distilled by trajectory consistency: 2 to 8 steps, less noise with more.',
    create: (options, levels) => tcd(levels, etaOnly(options)),
    noise: 'sequence',
    ownLevels: distilledTimedLevels,
    distilledTimesteps,
    lastOwnLevels: lastDistilledLevels,
    isUnitVariance: true,
  },
  {
    name: 'HeunPP2',
    aliases: [],
    defaultScheduler: 'Uniform',
    description: 'Heun with up to three evaluations a step.',
    create: () => heunPp2,
    noise: 'sequence',
  },
  {
    name: 'IPNDM',
    aliases: [],
    defaultScheduler: 'Uniform',
    description: 'Like PLMS at the noise levels of a schedule.',
    create: () => ipndm,
    noise: 'sequence',
  },
  {
    name: 'IPNDM_V',
    aliases: [],
    defaultScheduler: 'Uniform',
    description: 'IPNDM that minds that steps are uneven.',
    create: () => ipndmV,
    noise: 'sequence',
  },
  {
    name: 'DEIS',
    aliases: [],
    defaultScheduler: 'Uniform',
    description:
      'Extrapolates from the last three steps in the time of the diffusion. Good in 10 to 20 steps.',
    create: () => deis(),
    noise: 'sequence',
  },
];
