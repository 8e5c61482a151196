import type { DiffusionModel } from '../families/diffusion-model.ts';
import { invalid } from './bounds.ts';
import { textBranches } from './branches.ts';
import { conditionOnPrompts } from './conditioning.ts';
import type { Evaluated } from './guided-model.ts';
import { planSampling, type SamplingPlan } from './sampling-plan.ts';
import type { Settings } from './settings.ts';
import type { Latents } from '../diffusion/latents.ts';

/** Of the training noise. */
const TIMESTEPS = 1000;

/** @throws EngineError `invalid-request` if the refiner cannot go on with the latents of the model. */
export function checkRefiner(model: DiffusionModel, { refiner }: Pick<Settings, 'refiner'>): void {
  if (refiner === null) return;
  const other = refiner.model;
  const isSame = (['latentChannels', 'factor', 'latentScale'] as const).every(
    (fact) => model[fact] === other[fact],
  );
  if (!isSame) {
    throw invalid(
      'The refiner has other latents than the checkpoint.',
      'Choose two checkpoints of one generation, or SDXL with its refiner.',
    );
  }
  if (other.task === 'text' || (other.task === 'inpaint' && model.task === 'inpaint')) return;
  throw invalid(
    'This checkpoint cannot refine: it needs more than text and latents.',
    'Choose an ordinary checkpoint as refiner.',
  );
}

/** How a refiner takes part in a walk. */
export interface Refinement {
  readonly model: DiffusionModel;
  /** From the first evaluation on of which this is true. */
  readonly takesOver: (sigma: number, evaluation: number) => boolean;
  /** Loads it and encodes the prompts for it. */
  readonly begin: (onNetwork: (name: string) => void, signal?: AbortSignal) => Promise<Evaluated>;
}

interface Refined {
  readonly settings: Settings;
  readonly plan: SamplingPlan;
  /** What the first model takes beside the latents. */
  readonly concat?: Latents | undefined;
  /** Settings of the pass before, where there was one. */
  readonly first?: Settings;
}

/** The refiner's part in a walk; null without one. */
export function refinementOf(model: DiffusionModel, walk: Refined): Refinement | null {
  const { settings, plan, concat, first } = walk;
  if (settings.refiner === null) return null;
  const { model: refiner, switchAt, by } = settings.refiner;
  const takesConcat = refiner.task !== 'text' && concat !== undefined;
  return {
    model: refiner,
    takesOver: (sigma, evaluation) =>
      by === 'steps'
        ? evaluation / plan.evaluations >= switchAt
        : (TIMESTEPS - 1 - wholeTimestep(plan, sigma)) / TIMESTEPS >= switchAt,
    begin: async (onNetwork, signal) => {
      await refiner.load(onNetwork, signal);
      const conditioning = await conditionOnPrompts(refiner, settings, { signal, ...(first && { first }) });
      const branches = textBranches(conditioning, settings, takesConcat ? concat : undefined);
      return { model: refiner, branches, timestepOf: clockOf(model, walk, refiner) };
    },
  };
}

/** The nearest of the model's timesteps; of those that a sampler counts itself, the whole part, as in the webui. */
function wholeTimestep({ timestepOf, countsTimesteps }: SamplingPlan, sigma: number): number {
  return countsTimesteps ? Math.trunc(timestepOf(sigma)) : Math.round(timestepOf(sigma));
}

/** The refiner's own clock, if it was trained with other noise. */
function clockOf(
  { noise }: DiffusionModel,
  { plan, settings }: Refined,
  refiner: DiffusionModel,
): SamplingPlan['timestepOf'] {
  const isSame = (['betaStart', 'betaEnd', 'isZeroTerminal'] as const).every(
    (fact) => noise[fact] === refiner.noise[fact],
  );
  return isSame ? plan.timestepOf : planSampling(settings, refiner).timestepOf;
}
