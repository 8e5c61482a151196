import { weightedSum, type Latents } from '../diffusion/latents.ts';
import { resizeLatents } from '../diffusion/resize-latents.ts';
import type { DiffusionModel } from '../families/diffusion-model.ts';
import { instructionBranches, textBranches, type Branch } from './branches.ts';
import type { Conditioning } from './conditioning.ts';
import { encodePicture, posteriorOf } from './encode-picture.ts';
import { finished, prepared } from './frame.ts';
import type { GenerationEvent, GenerationOptions } from './generation-types.ts';
import { noiseSource, type NoiseSource } from './noise-source.ts';
import {
  entryOf,
  resolvePictureSettings,
  type PictureRequest,
  type PictureSettings,
} from './picture-request.ts';
import { fromRgb } from './pixels.ts';
import { colourCorrected } from '../pixels/colour-correction.ts';
import type { RgbImage } from '../pixels/image.ts';
import { resizeByMode } from '../pixels/resize-by-mode.ts';
import { refinementOf } from './refiner.ts';
import { sample } from './sample.ts';
import { planSampling } from './sampling-plan.ts';
import { checkNumbers } from './settings.ts';
import { BLANK, blankConcat, checkDepth, depthChannel, type DepthMap } from './task-inputs.ts';

/** A picture made anew from another. What is left out comes from the model's card, then from the defaults of the field. */
export interface ImageToImageRequest extends PictureRequest {
  /** For checkpoints that draw by depth, which need it. */
  depth?: DepthMap;
  /** For checkpoints that change pictures as they are told: how much of the picture stays, 1…2 as a rule. Default 1.5. */
  imageCfgScale?: number;
}

/**
 * Draws a picture from another one: brings it to the size asked for, encodes it, adds noise for the part of the way that
 * `strength` says, and walks that again. Checkpoints that draw by depth or change pictures as they are told get what they
 * need of it. Events as in `textToImage`.
 * @throws EngineError `invalid-request` before anything is loaded; what else `textToImage` throws.
 */
export async function* imageToImage(
  model: DiffusionModel,
  request: ImageToImageRequest,
  options: GenerationOptions = {},
): AsyncGenerator<GenerationEvent, void> {
  const settings = resolvePictureSettings(request, model.card);
  const { imageCfgScale = 1.5, depth } = request;
  checkNumbers({ imageCfgScale });
  checkDepth(model, depth);
  // Diffusers has these checkpoints start from noise alone: the picture comes in beside the latents.
  const isFromNoise = model.task === 'instruct' && settings.conventions === 'diffusers';
  const plan = planSampling(settings, model, isFromNoise ? null : settings);
  const conditioning = yield* prepared(model, settings, options);

  const dims = latentDims(model, settings);
  const source = noiseSource(settings, dims, model.factor);
  const original = isFromNoise ? null : await encodeSource(model, settings, { source, dims }, options.signal);
  const noise = source.next();
  const { picture, noise: level } = entryOf(plan, settings);
  const start = weightedSum([level, noise], ...(original === null ? [] : [[picture, original] as const]));
  const extras = { depth, imageCfgScale };
  const branches = await branchesOf(model, { conditioning, settings, extras }, options.signal);
  const stepNoise = source.ofSteps(plan);
  const refinement = refinementOf(model, { settings, plan, concat: branches[0]!.guides.concat });
  const sampled = yield* sample(model, { plan, branches, start, noise: stepNoise, refinement }, options);
  const { image, width, height, resizeMode, matchesColours } = settings;
  const touchUp = (drawn: RgbImage) =>
    matchesColours ? colourCorrected(drawn, resizeByMode(image, width, height, resizeMode)) : drawn;
  yield* finished(sampled, settings, options, touchUp);
}

function latentDims(
  { latentChannels, factor }: DiffusionModel,
  { width, height }: PictureSettings,
): Latents['dims'] {
  return [1, latentChannels, height / factor, width / factor];
}

/** The picture's latents in the size that is drawn. */
async function encodeSource(
  model: DiffusionModel,
  settings: PictureSettings,
  { source, dims }: { source: NoiseSource; dims: Latents['dims'] },
  signal?: AbortSignal,
): Promise<Latents> {
  const { image, resizeMode } = settings;
  const planes = fromRgb(resizeByMode(image, ...encodedSize(model, settings), resizeMode));
  const latents = await encodePicture(model, planes, { source, signal });
  return resizeMode === 'latent' ? resizeLatents(latents, dims[2], dims[3], 'bilinear') : latents;
}

/** The size in which a picture is encoded: the one drawn, or its own, as near as latents come to it. */
function encodedSize(
  { factor }: DiffusionModel,
  { image, resizeMode, width, height }: PictureSettings,
): [width: number, height: number] {
  if (resizeMode !== 'latent') return [width, height];
  const nearest = (side: number) => Math.max(Math.round(side / factor), 1) * factor;
  return [nearest(image.width), nearest(image.height)];
}

interface Guidance {
  readonly conditioning: Conditioning;
  readonly settings: PictureSettings;
  readonly extras: { readonly depth: DepthMap | undefined; readonly imageCfgScale: number };
}

/** What is evaluated in each step, with what the checkpoint takes beside the latents. */
async function branchesOf(
  model: DiffusionModel,
  { conditioning, settings, extras }: Guidance,
  signal?: AbortSignal,
): Promise<Branch[]> {
  const [, , rows, columns] = latentDims(model, settings);
  switch (model.task) {
    case 'instruct': {
      const { image, width, height, resizeMode } = settings;
      const planes = fromRgb(resizeByMode(image, width, height, resizeMode));
      const { mean: picture } = await posteriorOf(model, planes, signal);
      return instructionBranches(conditioning, settings, { picture, imageCfgScale: extras.imageCfgScale });
    }
    case 'depth':
      return textBranches(conditioning, settings, depthChannel(extras.depth!, rows, columns));
    case 'inpaint':
    case 'text':
      return textBranches(conditioning, settings, await blankConcat(model, settings, BLANK.masked, signal));
  }
}
