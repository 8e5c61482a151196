import { scaled } from '../diffusion/latents.ts';
import type { DiffusionModel } from '../families/diffusion-model.ts';
import { textBranches } from './branches.ts';
import { finished, prepared } from './frame.ts';
import type { DrawingRequest, GenerationEvent, GenerationOptions, SizeRequest } from './generation-types.ts';
import { hiresPass, planHires, type HiresRequest } from './hires.ts';
import { noiseSource } from './noise-source.ts';
import { refinementOf } from './refiner.ts';
import { sample } from './sample.ts';
import { planSampling } from './sampling-plan.ts';
import { resolveSettings } from './settings.ts';
import { BLANK, blankConcat, requireTextTask } from './task-inputs.ts';

/** One picture from text. Everything but the prompt has a default, taken from the model's card, then the field's. */
export interface TextToImageRequest extends DrawingRequest, SizeRequest {
  /** A second pass at a larger size. Default: none. */
  hires?: HiresRequest;
}

/**
 * Draws one picture from text. Events come in this order: `loading` for each network, `conditioned`, `step` for
 * each step, `decoding`, `image`. Nothing runs until the first event is asked for, and a consumer that stops
 * asking stops the work.
 *
 * The same request on the same model gives the same picture, and one close to what the webui or diffusers would
 * make of it (see `TextToImageRequest.conventions`).
 * @throws EngineError `invalid-request` before anything is loaded; `non-finite` if the model's numbers overflow;
 * what the model throws; the signal's reason within one network evaluation.
 */
export async function* textToImage(
  model: DiffusionModel,
  request: TextToImageRequest,
  options: GenerationOptions = {},
): AsyncGenerator<GenerationEvent, void> {
  const settings = resolveSettings(request, model.card);
  requireTextTask(model);
  const plan = planSampling(settings, model);
  const hires = request.hires && planHires(model, settings, request.hires);
  const conditioning = yield* prepared(model, settings, options);

  const { width, height } = settings;
  const dims = [1, model.latentChannels, height / model.factor, width / model.factor] as const;
  const concat = await blankConcat(model, settings, BLANK.none, options.signal);
  const branches = textBranches(conditioning, settings, concat);
  const source = noiseSource(settings, dims, model.factor);
  const start = scaled(source.next(), plan.entry.noise);
  const noise = source.ofSteps(plan);
  const [steps, after] = [plan.sigmas.length - 1, (hires?.plan.sigmas.length ?? 1) - 1];
  const isRefined = !hires || settings.refiner?.pass !== 'second';
  const refinement = isRefined ? refinementOf(model, { settings, plan, concat }) : null;
  const first = yield* sample(model, { plan, branches, start, noise, after, refinement }, options);
  const sampled =
    hires && !first.isCut && !options.keep?.aborted
      ? yield* hiresPass(model, { sampled: first, settings, conditioning, steps }, hires, options)
      : first;
  yield* finished(sampled, settings, options);
}
