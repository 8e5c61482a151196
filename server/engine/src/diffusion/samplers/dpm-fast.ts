import type { Sampler } from '../sampler.ts';
import { evenly } from '../schedules/schedule.ts';
import type { Ancestral } from './ancestral-step.ts';
import { ancestralStep, refreshed } from './ancestral-step.ts';
import { solverStep } from './dpm-solver-step.ts';
import { slope } from './steps.ts';
import type { Span } from './stepwise.ts';
import { neighbours, stepwise } from './stepwise.ts';

/**
 * DPM-Solver-fast: as many evaluations as there are steps in `sigmas`, gathered in steps of order 3 and a rest, even in
 * log σ. Lu et al. 2022, arXiv:2206.00927, section 3.4; k-diffusion, `sample_dpm_fast`. Of `sigmas` the number and the
 * ends count; the walk stops at the last level above 0, and what noise is left there stays.
 * @param options.eta Default 0.
 */
export function dpmFast({ eta = 0, noiseScale = 1 }: Ancestral = {}): Sampler {
  return stepwise(async (task) => {
    const { denoise, x, sigma, next, step, sigmas } = task;
    const denoised = await denoise(x, sigma);
    if (next === 0) return { x: denoised, denoised };
    const down = Math.max(ancestralStep(sigma, next, eta).down, lowest(sigmas));
    const first = slope(x, denoised, sigma);
    const end = await solverStep(orderOf(step, sigmas.length - 1), { denoise, x, sigma, next: down, first });
    return { x: refreshed(end, task, noiseScale * Math.sqrt(Math.max(next ** 2 - down ** 2, 0))), denoised };
  }, fastSpans);
}

/** The last level above 0. */
export function lowest(sigmas: readonly number[]): number {
  return sigmas.findLast((sigma) => sigma > 0) ?? 0;
}

/** All of order 3, but for the evaluations that are left over: 2 and 1, or 2, or 1. */
function orderOf(step: number, evaluations: number): number {
  const left = Math.floor(evaluations / 3) - step;
  if (left > 1 || (left === 1 && evaluations % 3 > 0)) return 3;
  if (evaluations % 3 === 0) return left === 1 ? 2 : 1;
  return evaluations % 3;
}

function fastSpans(sigmas: readonly number[]): Span[] {
  const [high, low] = [sigmas[0], lowest(sigmas)];
  if (high === low) return neighbours(sigmas); // no way to go but to 0
  const count = Math.floor((sigmas.length - 1) / 3) + 2;
  const walk = evenly(Math.log(high), Math.log(low), count).map(Math.exp);
  const evaluations = sigmas.length - 1;
  return neighbours([high, ...walk.slice(1, -1), low]).map((span, i, { length }) => {
    const isBeforeRest = i === length - 2 && evaluations % 3 === 0;
    const done = i === length - 1 ? evaluations : isBeforeRest ? evaluations - 1 : 3 * (i + 1);
    return { ...span, place: done - 1 };
  });
}
