import type { Denoiser } from '../denoiser.ts';
import type { Latents } from '../latents.ts';
import type { Sampler, SamplerState, Step, StepNoise } from '../sampler.ts';

/** From one noise level to another. */
export interface Span {
  readonly sigma: number;
  readonly next: number;
  /** Which of the steps of `sigmas` it stands for, where that is not its place among the spans. */
  readonly place?: number;
}

/** What a step has to do with. */
export interface StepTask extends Span {
  readonly denoise: Denoiser;
  readonly noise: StepNoise;
  /** Index of the step, and all levels that the sampler was given. */
  readonly step: number;
  readonly sigmas: readonly number[];
  readonly x: Latents;
}

/** What a step comes to. */
export interface Advance {
  /** Latents at the next level. */
  readonly x: Latents;
  /** The answer of the step's first evaluation. */
  readonly denoised: Latents;
  /** Latents with which it began, if they are not those it was given. */
  readonly began?: Latents;
}

type SpansOf = (sigmas: readonly number[]) => readonly Span[];

/** A sampler whose steps know nothing of each other. @param spansOf The steps; default: between neighbouring levels. */
export function stepwise(advance: (task: StepTask) => Promise<Advance>, spansOf?: SpansOf): Sampler {
  return multistep(null, async (task) => ({ ...(await advance(task)), history: null }), spansOf);
}

/**
 * A sampler whose steps remember: every step gets what the one before handed on.
 * @param empty What the first step gets.
 */
export function multistep<History>(
  empty: History,
  advance: (task: StepTask, history: History) => Promise<Advance & { history: History }>,
  spansOf: SpansOf = neighbours,
): Sampler {
  return async function* (denoise, from, sigmas, noise) {
    const spans = spansOf(sigmas);
    let state = begun(from, empty);
    for (const span of spans.slice(state.step)) {
      const { step } = state;
      const task = { ...span, denoise, noise, step, sigmas, x: state.x };
      const { x, denoised, began = task.x, history } = await advance(task, state.history as History);
      state = { step: step + 1, x, history };
      yield { step: span.place ?? step, sigma: span.sigma, x: began, denoised, state } satisfies Step;
    }
    return state.x;
  };
}

/** The state to begin with. */
export function begun(from: Latents | SamplerState, empty: unknown): SamplerState {
  return 'step' in from ? from : { step: 0, x: from, history: empty };
}

/** The steps between neighbouring noise levels. */
export function neighbours(sigmas: readonly number[]): Span[] {
  return sigmas.slice(1).map((next, i) => ({ sigma: sigmas[i], next }));
}
