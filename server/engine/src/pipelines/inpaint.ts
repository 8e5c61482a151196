import {
  blended,
  keepInDenoised,
  keepInInput,
  keepNoised,
  type Inpainting,
  type KeptPicture,
} from '../diffusion/inpainting.ts';
import { keepSoftlyInDenoised, keepSoftlyInInput } from '../diffusion/soft-inpainting.ts';
import { weightedSum, type Latents } from '../diffusion/latents.ts';
import type { DiffusionModel, PixelPlanes } from '../families/diffusion-model.ts';
import { EngineError } from '../errors.ts';
import { colourCorrected } from '../pixels/colour-correction.ts';
import type { RgbImage } from '../pixels/image.ts';
import { textBranches } from './branches.ts';
import { encodePicture } from './encode-picture.ts';
import { finished, prepared } from './frame.ts';
import type { GenerationEvent, GenerationOptions } from './generation-types.ts';
import { resolveInpaintSettings, type InpaintRequest, type InpaintSettings } from './inpaint-request.ts';
import { cornerMask, latentMask, maskedPicture, type MaskedPicture } from './masked-picture.ts';
import { noiseSource, plainNoise, type NoiseSource } from './noise-source.ts';
import { entryOf } from './picture-request.ts';
import { fromRgb } from './pixels.ts';
import { refinementOf } from './refiner.ts';
import { sample } from './sample.ts';
import { planSampling, spread, type SamplingPlan } from './sampling-plan.ts';
import { shownOf } from './shown-of.ts';
import { maskAndPicture } from './task-inputs.ts';

/**
 * Draws part of a picture anew, and keeps the rest. Ordinary checkpoints are made to keep it step by step; those for
 * inpainting see what lies around and need not be. Events as in `textToImage`.
 * @throws EngineError `invalid-request` before anything is loaded; what else `textToImage` throws.
 */
export async function* inpaint(
  model: DiffusionModel,
  request: InpaintRequest,
  options: GenerationOptions = {},
): AsyncGenerator<GenerationEvent, void> {
  const settings = resolveInpaintSettings(request, model.card);
  requireInpaintTask(model);
  const isFromNoise =
    settings.conventions === 'diffusers' && settings.strength === 1 && settings.keptNoise === 'current';
  const plan = planSampling(settings, model, isFromNoise ? null : settings);
  const conditioning = yield* prepared(model, settings, options);

  const masked = maskedPicture(settings);
  const dims = [
    1,
    model.latentChannels,
    settings.height / model.factor,
    settings.width / model.factor,
  ] as const;
  const source = noiseSource(settings, dims, model.factor);
  const mask = latentMask(masked.mask, dims[2], dims[3], settings);
  const { original, noise, concat } = await encoded(
    model,
    { settings, masked, mask, source },
    options.signal,
  );
  const branches = textBranches(conditioning, settings, concat);
  const entry = entryOf(plan, settings);
  const start = weightedSum([entry.picture, original], [entry.noise, noise]);
  const { around, finish } = keeping(model, { original, mask }, { settings, plan, noise });
  const stepNoise = source.ofSteps(plan);
  const refinement = refinementOf(model, { settings, plan, concat });
  const run = { plan, branches, start, noise: stepNoise, around, refinement };
  const sampled = yield* sample(model, run, options);
  const latents = finish(sampled.latents);
  const touchUp = (drawn: RgbImage) =>
    masked.finish(
      settings.matchesColours ? colourCorrected(drawn, masked.image) : drawn,
      ...(settings.soft ? [shownOf({ original, mask }, latents, settings, settings.soft)] : []),
    );
  yield* finished({ ...sampled, latents }, settings, options, touchUp);
}

function requireInpaintTask({ task }: DiffusionModel): void {
  if (task === 'text' || task === 'inpaint') return;
  throw new EngineError('invalid-request', 'This checkpoint cannot draw part of a picture anew.', {
    hint: 'Choose an ordinary checkpoint, or one for inpainting.',
  });
}

interface Source {
  readonly settings: InpaintSettings;
  readonly masked: MaskedPicture;
  readonly mask: Float32Array;
  readonly source: NoiseSource;
}

/**
 * The picture's latents, the noise on them, and what a checkpoint for inpainting takes besides; drawn in the order of the
 * program whose conventions are followed.
 */
async function encoded(
  model: DiffusionModel,
  { settings, masked, mask, source }: Source,
  signal?: AbortSignal,
): Promise<{ original: Latents; noise: Latents; concat?: Latents }> {
  const { conventions, strength, keptNoise } = settings;
  const by = { source, signal };
  const takesPicture = model.task === 'inpaint';
  const isUnseen = conventions === 'diffusers' && takesPicture && strength === 1;
  const planes = fromRgb(masked.image);
  const picture = isUnseen ? null : await encodePicture(model, planes, by);
  const noise = source.next();
  const original = picture ?? { data: new Float32Array(noise.data.length), dims: noise.dims };
  if (takesPicture) {
    const hidden = await encodePicture(model, covered(planes, masked, settings), by);
    const rows = cornerMask(masked.mask, noise.dims[2], noise.dims[3]);
    return { original: withContent(original, mask, settings), noise, concat: maskAndPicture(rows, hidden) };
  }
  // Diffusers encodes the masked picture here as well, and makes no use of it but for the place in the sequence.
  if (conventions === 'diffusers' && keptNoise === 'current') source.next();
  return { original: withContent(original, mask, settings), noise };
}

/** The picture with what the mask covers (in part, if its weight is less) made grey. */
function covered(
  { data, height, width }: PixelPlanes,
  { mask }: MaskedPicture,
  { maskWeight }: InpaintSettings,
): PixelPlanes {
  const size = height * width;
  const hidden = mask.data.map((value) => Math.round(value / 255));
  return { data: data.map((value, i) => value * (1 - maskWeight * hidden[i % size]!)), height, width };
}

/** Latents with the masked content, where that is made of latents. */
function withContent(original: Latents, mask: Float32Array, settings: InpaintSettings): Latents {
  const { maskedContent, conventions } = settings;
  if (conventions === 'diffusers' || maskedContent === 'original' || maskedContent === 'fill')
    return original;
  const empty = { data: new Float32Array(original.data.length), dims: original.dims };
  // Noise of the seed, the same that is added afterwards.
  const content = maskedContent === 'noise' ? plainNoise(settings, original.dims) : empty;
  return blended(mask, content, original);
}

interface Walk {
  readonly settings: InpaintSettings;
  readonly plan: SamplingPlan;
  readonly noise: Latents;
}

/** How what the mask spares is kept. */
function keeping(model: DiffusionModel, kept: KeptPicture, { settings, plan, noise }: Walk): Inpainting {
  const { sampler, conventions, keptNoise } = settings;
  if (settings.soft) {
    const { countsTimesteps, timestepOf } = plan;
    const levelOf = countsTimesteps ? timestepOf : (sigma: number) => sigma;
    const softly = { ...kept, soft: settings.soft, levelOf };
    return countsTimesteps ? keepSoftlyInInput(softly) : keepSoftlyInDenoised(softly);
  }
  if (conventions === 'webui') return sampler.ownLevels ? keepInInput(kept) : keepInDenoised(kept);
  if (model.task === 'inpaint') return { around: (denoise) => denoise, finish: (latents) => latents };
  const [first, ...others] = plan.sigmas;
  if (keptNoise === 'current') {
    return keepNoised(kept, noise, (sigma) => (sigma === first ? null : { level: sigma, factor: 1 }));
  }
  return keepNoised(kept, noise, (sigma) => {
    if (sigma === first) return null;
    const level = plan.sigmas[others.indexOf(sigma)] ?? sigma;
    // Most of its samplers have latents of unit variance, and take the level before's for this level's.
    return { level, factor: sampler.isUnitVariance ? spread(sigma) / spread(level) : 1 };
  });
}
