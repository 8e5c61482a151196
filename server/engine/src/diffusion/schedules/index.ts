import { beta } from './beta.ts';
import { ddimUniform } from './ddim-uniform.ts';
import { exponential } from './exponential.ts';
import { karras } from './karras.ts';
import { klOptimal } from './kl-optimal.ts';
import { polyexponential } from './polyexponential.ts';
import type { NoiseLevels } from './noise-levels.ts';
import { normal } from './normal.ts';
import type { Schedule, ScheduleOptions, SigmaRange } from './schedule.ts';
import { sgmUniform } from './sgm-uniform.ts';
import { simple } from './simple.ts';
import { alignYourSteps, alignYourSteps32, gits } from './tables.ts';
import { turbo } from './turbo.ts';
import { uniform } from './uniform.ts';

/** A schedule that people can choose. */
export interface ScheduleEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly description: string;
  readonly sigmas: Schedule;
}

/** The ends asked for, or the model's. */
function range({ sigmaMin, sigmaMax }: NoiseLevels, asked: ScheduleOptions): SigmaRange {
  return { sigmaMin: asked.sigmaMin ?? sigmaMin, sigmaMax: asked.sigmaMax ?? sigmaMax };
}

/** All schedules. A new one is a file and an entry here. */
export const scheduleEntries: readonly ScheduleEntry[] = [
  {
    name: 'Uniform',
    aliases: [],
    description: "The model's own noise levels, evenly spaced in time.",
    sigmas: uniform,
  },
  {
    name: 'Karras',
    aliases: [],
    description: 'More steps at low noise, where details form.',
    sigmas: (steps, levels, options = {}) => karras(steps, range(levels, options), options.rho),
  },
  {
    name: 'Exponential',
    aliases: [],
    description: 'Evenly spaced in the logarithm of the noise: more steps still at low noise.',
    sigmas: (steps, levels, options = {}) => exponential(steps, range(levels, options)),
  },
  {
    name: 'Polyexponential',
    aliases: [],
    description: 'Exponential with an exponent; the same as Exponential as it stands.',
    sigmas: (steps, levels, options = {}) => polyexponential(steps, range(levels, options), options.rho),
  },
  {
    name: 'SGM Uniform',
    aliases: ['sgm_uniform', 'SGMUniform'],
    description: 'Like Uniform without the cleanest level; for models distilled to few steps.',
    sigmas: (steps, levels, options = {}) => sgmUniform(steps, levels, range(levels, options)),
  },
  {
    name: 'KL Optimal',
    aliases: ['kl_optimal'],
    description: 'Evenly spaced angles. Stops a little above no noise.',
    sigmas: (steps, levels, options = {}) => klOptimal(steps, range(levels, options)),
  },
  {
    name: 'Align Your Steps',
    aliases: ['align_your_steps'],
    description: 'Found by measuring Stable Diffusion, for about ten steps.',
    sigmas: alignYourSteps,
  },
  {
    name: 'Align Your Steps GITS',
    aliases: ['align_your_steps_GITS'],
    description: 'Found by another way of measuring, also for about ten steps.',
    sigmas: gits,
  },
  {
    name: 'Simple',
    aliases: [],
    description: "Evenly spaced picks of the model's own noise levels.",
    sigmas: simple,
  },
  {
    name: 'Normal',
    aliases: [],
    description: 'Like Uniform; it heeds the lowest and the highest noise asked for, which Uniform does not.',
    sigmas: (steps, levels, options = {}) => normal(steps, levels, range(levels, options)),
  },
  {
    name: 'DDIM',
    aliases: ['ddim_uniform'],
    description: "The noise levels that the DDIM sampler counts; starts a little below the model's noisiest.",
    sigmas: ddimUniform,
  },
  {
    name: 'Beta',
    aliases: [],
    description: 'Many steps at the highest and at the lowest noise, few between.',
    sigmas: (steps, levels, options = {}) => beta(steps, range(levels, options), options.alpha, options.beta),
  },
  {
    name: 'Turbo',
    aliases: [],
    description: 'For models distilled to a few steps.',
    sigmas: turbo,
  },
  {
    name: 'Align Your Steps 11',
    aliases: ['align_your_steps_11'],
    description: 'Align Your Steps, under the name that it has beside the longer table.',
    sigmas: alignYourSteps,
  },
  {
    name: 'Align Your Steps 32',
    aliases: ['align_your_steps_32'],
    description: 'Align Your Steps from a table of 32 levels, which ends at half the noise.',
    sigmas: alignYourSteps32,
  },
];
