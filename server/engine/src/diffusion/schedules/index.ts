import { beta } from './beta.ts';
import { ddimUniform } from './ddim-uniform.ts';
import { exponential } from './exponential.ts';
import { karras } from './karras.ts';
import { klOptimal } from './kl-optimal.ts';
import { polyexponential } from './polyexponential.ts';
import type { Schedule } from './schedule.ts';
import { sgmUniform } from './sgm-uniform.ts';
import { simple } from './simple.ts';
import { alignYourSteps, gits } from './tables.ts';
import { turbo } from './turbo.ts';
import { uniform } from './uniform.ts';

/** A schedule that people can choose. */
export interface ScheduleEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly description: string;
  readonly sigmas: Schedule;
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
    sigmas: (steps, levels) => karras(steps, levels),
  },
  {
    name: 'Exponential',
    aliases: [],
    description: 'Evenly spaced in the logarithm of the noise: more steps still at low noise.',
    sigmas: exponential,
  },
  {
    name: 'Polyexponential',
    aliases: [],
    description: 'Exponential with an exponent; the same as Exponential as it stands.',
    sigmas: (steps, levels) => polyexponential(steps, levels),
  },
  {
    name: 'SGM Uniform',
    aliases: ['sgm_uniform', 'SGMUniform'],
    description: 'Like Uniform without the cleanest level; for models distilled to few steps.',
    sigmas: sgmUniform,
  },
  {
    name: 'KL Optimal',
    aliases: ['kl_optimal'],
    description: 'Evenly spaced angles. Stops a little above no noise.',
    sigmas: klOptimal,
  },
  {
    name: 'Align Your Steps',
    aliases: ['align_your_steps', 'align_your_steps_11', 'Align Your Steps 11'],
    description: 'Optimised for about ten steps of Stable Diffusion 1.5.',
    sigmas: alignYourSteps,
  },
  {
    name: 'Align Your Steps GITS',
    aliases: ['align_your_steps_GITS'],
    description: 'Found by another way of optimising, also for about ten steps.',
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
    description: 'The same as Uniform, under the name that other programs use.',
    sigmas: uniform,
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
    sigmas: (steps, levels) => beta(steps, levels),
  },
  {
    name: 'Turbo',
    aliases: [],
    description: 'For models distilled to a few steps.',
    sigmas: turbo,
  },
];
