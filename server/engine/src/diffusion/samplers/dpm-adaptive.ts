import type { Latents } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import type { Ancestral } from './ancestral-step.ts';
import { ancestralStep, refreshed } from './ancestral-step.ts';
import { lowest } from './dpm-fast.ts';
import type { SolverPair } from './dpm-solver-step.ts';
import { solverPair } from './dpm-solver-step.ts';
import { euler } from './euler.ts';
import { slope } from './steps.ts';
import { begun } from './stepwise.ts';

interface Adaptive extends Ancestral {
  /** 2 or 3; default 3. */
  order?: 2 | 3;
  /** Errors allowed, relative and absolute; defaults 0.05 and 0.0078. */
  relative?: number;
  absolute?: number;
}

interface History {
  /** −log σ of the latents. */
  readonly time: number;
  /** Length of the step to try next. */
  readonly stride: number;
  /** The step of lower order that led here; errors are measured against its size. */
  readonly lower: Latents;
}

const FIRST_STRIDE = 0.05;
/** Steps that should be this much shorter are taken again. */
const SAFETY = 0.81;
/** Steps do not become shorter than so many of them would need, so that the walk has an end whatever the error. */
const MOST_STEPS = 1000;
/** As near to the end as this is there. */
const ARRIVED = 1e-5;

/**
 * DPM-Solver of two orders at once, which measures its error and chooses its steps by it. Lu et al. 2022,
 * arXiv:2206.00927, appendix C; k-diffusion, `sample_dpm_adaptive`. Of `sigmas` only the ends count; the walk stops at
 * the last level above 0. It does not know how many steps it will take: `step` says how far along `sigmas` it is, steps
 * taken again are handed out too, and the error is that of the whole batch.
 * @param options.eta Default 0.
 */
export function dpmAdaptive({
  eta = 0,
  noiseScale = 1,
  order = 3,
  relative = 0.05,
  absolute = 0.0078,
}: Adaptive = {}): Sampler {
  return async function* (denoise, from, sigmas, noise) {
    const [high, low] = [sigmas[0], lowest(sigmas)];
    if (high === low) return yield* euler()(denoise, from, sigmas, noise);
    const [start, end, steps] = [-Math.log(high), -Math.log(low), sigmas.length - 1];
    const shortest = (end - start) / MOST_STEPS;
    const first = { time: start, stride: FIRST_STRIDE, lower: 'step' in from ? from.x : from };
    let state = begun(from, first);
    for (
      let history = state.history as History;
      history.time < end - ARRIVED;
      history = state.history as History
    ) {
      const { x } = state;
      const goal = Math.min(end, history.time + history.stride);
      const [sigma, next] = [Math.exp(-history.time), Math.exp(-goal)];
      const denoised = await denoise(x, sigma);
      const down = Math.max(ancestralStep(sigma, next, eta).down, Math.exp(-end));
      const task = { denoise, x, sigma, next: down, first: slope(x, denoised, sigma) };
      const pair = await solverPair(order, task);
      const error = errorOf(pair, history.lower, relative, absolute);
      const factor = 1 + Math.atan((1 / (error + 1e-8)) ** (1 / (eta > 0 ? 1.5 : order)) - 1);
      // Where the model's numbers overflow there is no factor; whoever reads the steps will see it.
      const isDone = !(factor < SAFETY) || history.stride <= shortest;
      const stride = Number.isFinite(factor) ? Math.max(history.stride * factor, shortest) : history.stride;
      if (isDone) {
        const fresh = noiseScale * Math.sqrt(Math.max(next ** 2 - down ** 2, 0));
        const done = refreshed(pair.high, { sigma, next, noise }, fresh);
        state = { step: state.step + 1, x: done, history: { time: goal, stride, lower: pair.low } };
      } else state = { ...state, step: state.step + 1, history: { ...history, stride } };
      const share = isDone && goal >= end - ARRIVED ? 1 : (history.time - start) / (end - start);
      const step = Math.max(Math.floor(share * steps) - 1, 0);
      yield { step, sigma, x, denoised, state };
    }
    return state.x;
  };
}

/** Root mean square of the difference of the two orders, in units of what is allowed. */
function errorOf(
  { low, difference }: SolverPair,
  lower: Latents,
  relative: number,
  absolute: number,
): number {
  const sum = difference.data.reduce((total, value, i) => {
    const size = Math.max(Math.abs(low.data[i]), Math.abs(lower.data[i]));
    return total + (value / Math.max(absolute, relative * size)) ** 2;
  }, 0);
  return Math.sqrt(sum / difference.data.length);
}
