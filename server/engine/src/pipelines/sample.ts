import type { Denoiser } from '../diffusion/denoiser.ts';
import type { Latents } from '../diffusion/latents.ts';
import { isFinite, scaled } from '../diffusion/latents.ts';
import type { StepNoise } from '../diffusion/sampler.ts';
import { EngineError } from '../errors.ts';
import type { DiffusionModel } from '../families/diffusion-model.ts';
import type { Branch } from './branches.ts';
import type { GenerationOptions, StepEvent } from './generation-types.ts';
import { guidedModel } from './guided-model.ts';
import { roughRgb, toRgb } from './pixels.ts';
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
  /** Steps of the walks before and after this one, which are counted as one. */
  readonly before?: number;
  readonly after?: number;
}

/**
 * Walks latents down the plan's noise levels: what all pipelines have in common. Yields every step and returns the finished
 * latents, scaled, before the VAE.
 * @throws EngineError `non-finite` if the model's numbers overflow; what the model throws; the signal's reason within one
 * network evaluation.
 */
export async function* sample(
  model: DiffusionModel,
  run: SamplingRun,
  { signal, taesd, controls }: GenerationOptions,
): AsyncGenerator<StepEvent, Latents> {
  const { plan, branches, start, noise, around = (denoise) => denoise, before = 0, after = 0 } = run;
  const steps = plan.sigmas.length - 1;
  const place = { stepIndex: 0, evaluation: 0, steps };
  const evaluated = { model, branches, timestepOf: plan.timestepOf };
  const guided = guidedModel(evaluated, { plan, place, controls, signal });
  const denoise: Denoiser = async (x, sigma) => {
    const denoised = await guided(x, sigma);
    place.evaluation += 1;
    return denoised;
  };
  const walk = plan.sampler(around(denoise), start, plan.sigmas, noise);
  for (;;) {
    const { done, value } = await walk.next();
    if (done) return scaled(value, plan.finish);
    const { step, sigma, denoised } = value;
    const [count, all] = [before + step + 1, before + steps + after];
    if (!isFinite(denoised)) throw overflow(`The model's prediction in step ${count} of ${all}`);
    const preview = async () =>
      taesd ? toRgb(await taesd.decode(denoised), Math.round) : roughRgb(denoised, model.latentToRgb);
    yield { type: 'step', step: count, steps: all, sigma, preview };
    place.stepIndex = step + 1;
  }
}

/** Says of what that a network made numbers that are none. */
export function overflow(what: string): EngineError {
  return new EngineError('non-finite', `${what} holds values that are not numbers.`, {
    hint: 'Lower the CFG scale and take back extreme emphasis. If that does not help, the file may be damaged.',
  });
}
