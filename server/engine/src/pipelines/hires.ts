import { scaled, weightedSum, type Latents } from '../diffusion/latents.ts';
import { LATENT_RESIZES, resizeLatents, type LatentResize } from '../diffusion/resize-latents.ts';
import type { DiffusionModel } from '../families/diffusion-model.ts';
import { textBranches } from './branches.ts';
import { conditionOnPrompts, type Conditioning } from './conditioning.ts';
import { posteriorOf } from './encode-picture.ts';
import type { GenerationOptions, LoadingEvent, StepEvent } from './generation-types.ts';
import { noiseSource } from './noise-source.ts';
import { entryOf } from './picture-request.ts';
import { fromRgb, toRgb } from './pixels.ts';
import { refinementOf } from './refiner.ts';
import { sample, type Sampled } from './sample.ts';
import { planSampling, type SamplingPlan } from './sampling-plan.ts';
import { invalid } from './bounds.ts';
import { checkNumbers, type Settings } from './settings.ts';
import { BLANK, blankConcat } from './task-inputs.ts';
import { upscale, type UpscaleRequest } from './upscale.ts';

/** A second pass at a larger size over a picture that was drawn ("hires fix"). */
export interface HiresRequest {
  /** By what the sides grow; the result is cut to multiples of 8. Default 2. */
  readonly scale?: number;
  /** In place of `scale`: pixels, multiples of 8. */
  readonly width?: number;
  readonly height?: number;
  /** Steps of the second pass, all of which are done. Default: as many as in the first. */
  readonly steps?: number;
  /** How much is redone, 0…1. Default 0.7. */
  readonly strength?: number;
  /** More noise than the noise level says, by so much, 0…1. Default 0. */
  readonly extraNoise?: number;
  /** How the latents are enlarged. Default `bilinear`. */
  readonly resize?: LatentResize;
  /** Enlarges the decoded picture in place of the latents, which then is encoded again. Default: none. */
  readonly upscaler?: UpscaleRequest['upscaler'];
}

/** A second pass, planned. */
export interface HiresPass {
  readonly settings: Settings;
  readonly plan: SamplingPlan;
  readonly resize: LatentResize;
  readonly extraNoise: number;
  readonly upscaler: UpscaleRequest['upscaler'] | null;
}

/** @throws EngineError `invalid-request` */
export function planHires(model: DiffusionModel, first: Settings, request: HiresRequest): HiresPass {
  const { scale = 2, steps = first.steps, strength = 0.7 } = request;
  const { resize = 'bilinear', upscaler = null, extraNoise = 0 } = request;
  checkNumbers({ hiresScale: scale, hiresSteps: steps, strength, extraNoise });
  if (!LATENT_RESIZES.includes(resize)) {
    throw invalid(
      `There is no way to resize latents named "${String(resize)}".`,
      `Choose one of: ${LATENT_RESIZES.join(', ')}.`,
    );
  }
  const grown = (side: number) => Math.trunc((side * scale) / 8) * 8;
  const { width = grown(first.width), height = grown(first.height) } = request;
  checkNumbers({ width, height });
  const sides = [height, width] as const;
  const size = { original: sides, crop: [0, 0], target: sides } as const;
  const settings: Settings = { ...first, width, height, steps, size };
  const plan = planSampling(settings, model, { strength, exactSteps: true });
  return { settings, plan, resize, extraNoise, upscaler };
}

/** What the second pass goes on from. */
export interface FirstPass {
  readonly sampled: Sampled;
  readonly settings: Settings;
  readonly conditioning: Conditioning;
  /** Steps that were done. */
  readonly steps: number;
}

/** Enlarges latents or the picture, adds noise of the same seed in the new size, and walks the last part of the way again. */
export async function* hiresPass(
  model: DiffusionModel,
  { sampled, settings: first, conditioning, steps: before }: FirstPass,
  pass: HiresPass,
  options: GenerationOptions,
): AsyncGenerator<StepEvent | LoadingEvent, Sampled> {
  const { settings, plan } = pass;
  const { width, height } = settings;
  const dims = [1, model.latentChannels, height / model.factor, width / model.factor] as const;
  const source = noiseSource(settings, dims, model.factor);
  const picture =
    pass.upscaler === null
      ? resizeLatents(sampled.latents, dims[2], dims[3], pass.resize)
      : await enlarged(model, sampled, { ...pass, upscaler: pass.upscaler }, options);
  if (picture === null) return { ...sampled, isCut: true };
  const entry = entryOf(plan, { initialNoise: 1, extraNoise: pass.extraNoise });
  const start = weightedSum([entry.picture, picture], [entry.noise, source.next()]);
  const concat = await blankConcat(model, settings, BLANK.none, options.signal);
  const branches = textBranches(
    changesOverTime(first)
      ? await conditionOnPrompts(model, settings, { signal: options.signal, first })
      : conditioning,
    settings,
    concat,
  );
  const noise = source.ofSteps(plan);
  const isRefined = settings.refiner?.pass !== 'first';
  const refinement = isRefined ? refinementOf(model, { settings, plan, concat, first }) : null;
  const run = { plan, branches, start, noise, before, refinement, there: picture };
  return yield* sample(model, run, options);
}

/** Whether prompts may say something else in a second pass; encoding them once more costs little. */
const changesOverTime = ({ prompt, negativePrompt }: Settings): boolean =>
  `${prompt}${negativePrompt ?? ''}`.includes('[');

/** By way of pixels; null = it was stopped, and what is there is to be kept. */
async function enlarged(
  model: DiffusionModel,
  { latents, model: last }: Sampled,
  { settings: { width, height }, upscaler }: HiresPass & { upscaler: UpscaleRequest['upscaler'] },
  { signal, keep }: GenerationOptions,
): Promise<Latents | null> {
  signal?.throwIfAborted();
  const image = toRgb(await last.decode(latents), Math.trunc);
  for await (const event of upscale({ image, upscaler, to: { width, height } })) {
    signal?.throwIfAborted();
    if (keep?.aborted) return null;
    if (event.type !== 'image') continue;
    const { mean } = await posteriorOf(model, fromRgb(event.image), signal);
    return scaled(mean, model.latentScale);
  }
  throw new Error('The upscaler made no picture.');
}
