import type { Denoiser } from '../diffusion/denoiser.ts';
import type { Latents } from '../diffusion/latents.ts';
import { isFinite, scaled } from '../diffusion/latents.ts';
import type { Step, StepNoise } from '../diffusion/sampler.ts';
import { EngineError } from '../errors.ts';
import type { DiffusionModel } from '../families/diffusion-model.ts';
import type { Branch } from './branches.ts';
import { emitted } from './emitted.ts';
import type { GenerationOptions, LoadingEvent, StepEvent } from './generation-types.ts';
import { guidedModel } from './guided-model.ts';
import { roughRgb, toRgb } from './pixels.ts';
import type { Refinement } from './refiner.ts';
import type { SamplingPlan } from './sampling-plan.ts';

/** One walk from noise to latents. */
export interface SamplingRun {
  readonly plan: SamplingPlan;
  readonly branches: readonly Branch[];
  /** The first latents, as {@link SamplingPlan.entry} makes them. */
  readonly start: Latents;
  readonly noise: StepNoise;
  /** A layer around the guided denoiser, such as one that keeps part of a picture. */
  readonly around?: (denoise: Denoiser) => Denoiser;
  /** A second model that takes over on the way. */
  readonly refinement?: Refinement | null;
  /** Clean latents that there are before the first evaluation, in case of `options.keep`. */
  readonly there?: Latents;
  /** Steps of the walks before and after this one, which are counted as one. */
  readonly before?: number;
  readonly after?: number;
}

/** What a walk comes to. */
export interface Sampled {
  /** Scaled, before the VAE. */
  readonly latents: Latents;
  /** The model that did the last step. */
  readonly model: DiffusionModel;
  /** The walk was ended by `options.keep`. */
  readonly isCut: boolean;
}

/** Thrown through a sampler whose walk is to end. */
class Cut extends Error {}

/**
 * Walks latents down the plan's noise levels: what all pipelines have in common. Yields every step, and what is loaded on
 * the way.
 * @throws EngineError `non-finite` if the model's numbers overflow; what the model throws; the signal's reason within one
 * network evaluation.
 */
export async function* sample(
  model: DiffusionModel,
  run: SamplingRun,
  { signal, keep, taesd, controls }: GenerationOptions,
): AsyncGenerator<StepEvent | LoadingEvent, Sampled> {
  const { plan, branches, start, noise, around = (denoise) => denoise, before = 0, after = 0 } = run;
  const { refinement = null } = run;
  const steps = plan.sigmas.length - 1;
  const place = { stepIndex: 0, evaluation: 0, steps };
  const evaluated = { model, branches, timestepOf: plan.timestepOf };
  let guided = guidedModel(evaluated, { plan, place, controls, signal });
  let current = model;
  let there = run.there ?? null;
  let onNetwork: (name: string) => void = () => {};
  const switching: Denoiser = async (x, sigma) => {
    if (refinement && current === model && refinement.takesOver(sigma, place.evaluation)) {
      // What guides the first model does not fit another.
      guided = guidedModel(await refinement.begin((name) => onNetwork(name), signal), {
        plan,
        place,
        signal,
      });
      current = refinement.model;
    }
    const denoised = await guided(x, sigma);
    place.evaluation += 1;
    return denoised;
  };
  const inner = around(switching);
  const denoise: Denoiser = async (x, sigma) => {
    if (keep?.aborted) throw new Cut();
    const denoised = await inner(x, sigma);
    there = denoised;
    return denoised;
  };
  const walk = plan.sampler(denoise, start, plan.sigmas, noise);
  try {
    for (;;) {
      let next!: IteratorResult<Step, Latents>;
      yield* emitted<LoadingEvent>(async (emit) => {
        onNetwork = (network) => emit({ type: 'loading', network });
        next = await walk.next();
      });
      if (next.done) return { latents: scaled(next.value, plan.finish), model: current, isCut: false };
      const { step, sigma, denoised } = next.value;
      const [count, all] = [before + step + 1, before + steps + after];
      if (!isFinite(denoised)) throw overflow(`The model's prediction in step ${count} of ${all}`);
      const preview = async () =>
        taesd ? toRgb(await taesd.decode(denoised), Math.round) : roughRgb(denoised, model.latentToRgb);
      yield { type: 'step', step: count, steps: all, sigma, preview };
      place.stepIndex = step + 1;
    }
  } catch (error) {
    if (!(error instanceof Cut)) throw error;
    if (there === null) throw keep?.reason;
    if (!isFinite(there)) throw overflow("The model's last prediction");
    return { latents: there, model: current, isCut: true };
  }
}

/** Says of what that a network made numbers that are none. */
export function overflow(what: string): EngineError {
  return new EngineError('non-finite', `${what} holds values that are not numbers.`, {
    hint: 'Lower the CFG scale and take back extreme emphasis. If that does not help, the file may be damaged.',
  });
}
