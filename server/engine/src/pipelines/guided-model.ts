import type { Controls } from '../control/controls.ts';
import { denoiser, type Denoiser } from '../diffusion/denoiser.ts';
import { combined, unguided } from '../diffusion/guidance.ts';
import type { DiffusionModel } from '../families/diffusion-model.ts';
import { entryAt } from '../prompt/prompt-schedule.ts';
import type { Branch } from './branches.ts';
import { isGuided } from './guidance-settings.ts';
import type { SamplingPlan } from './sampling-plan.ts';

/** Where a walk is; counted by who walks. */
export interface WalkPlace {
  stepIndex: number;
  /** Of the guided model. */
  evaluation: number;
  readonly steps: number;
}

/** A model and what is asked of it in each step. */
export interface Evaluated {
  readonly model: DiffusionModel;
  readonly branches: readonly Branch[];
  readonly timestepOf: (sigma: number) => number;
}

interface Walked {
  readonly plan: SamplingPlan;
  readonly place: WalkPlace;
  readonly controls?: Controls | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The guided denoiser: in each step a weighted sum of the model's answers, or those alone that need no negative prompt. */
export function guidedModel({ model, branches, timestepOf }: Evaluated, walk: Walked): Denoiser {
  const { plan, place } = walk;
  const parts = branches.map((branch) => ({
    weight: branch.weight,
    plainWeight: branch.plainWeight,
    denoise: branchDenoiser(model, branch, timestepOf, walk),
    isKept: branch.isUncond && plan.asksUnguided,
  }));
  const guided = combined(parts, { share: plan.guidance.rescale, prediction: model.prediction });
  const plain = unguided(parts);
  // Of two that lead away from, the webui leaves out none.
  const rules = model.task === 'instruct' ? { ...plan.guidance, minimumSigma: 0 } : plan.guidance;
  return (x, sigma) =>
    isGuided(rules, plan, { sigma, evaluation: place.evaluation }) ? guided(x, sigma) : plain(x, sigma);
}

function branchDenoiser(
  model: DiffusionModel,
  { schedule, guides, isUncond }: Branch,
  timestepOf: Evaluated['timestepOf'],
  { place, controls, signal }: Walked,
): Denoiser {
  const { steps } = place;
  return denoiser(
    async (x, timestep) => {
      signal?.throwIfAborted();
      const { context } = entryAt(schedule, place.evaluation);
      if (controls === undefined) return model.predict(x, timestep, context, guides);
      const { size } = guides;
      const call = { stepIndex: Math.min(place.stepIndex, steps - 1), steps, isUncond, x, timestep, context };
      const further = await controls.guidesFor(size === undefined ? call : { ...call, size });
      signal?.throwIfAborted();
      return model.predict(x, timestep, context, { ...guides, ...further });
    },
    model.prediction,
    timestepOf,
  );
}
