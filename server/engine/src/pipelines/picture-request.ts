import type { ModelCard } from '../families/model-card.ts';
import type { GreyImage, RgbImage } from '../pixels/image.ts';
import type { DrawingRequest, SizeRequest } from './generation-types.ts';
import type { Redo } from './redone-steps.ts';
import type { SamplingPlan } from './sampling-plan.ts';
import type { ResizeMode } from '../pixels/resize-by-mode.ts';
import { RESIZE_MODES } from '../pixels/resize-by-mode.ts';
import { invalid } from './bounds.ts';
import { checkNumbers, resolveSettings, type Settings } from './settings.ts';

/** What pipelines that start from a picture can be asked for. */
export interface PictureRequest extends DrawingRequest, SizeRequest {
  /** The picture to start from. */
  image: RgbImage;
  /** How much of it is redone: 0 = nothing, 1 = all of it. Default 0.75. */
  strength?: number;
  /** As many steps are done as `steps` says, not their part by `strength`. Default: false. */
  exactSteps?: boolean;
  /** What becomes of a picture of another size; see {@link ResizeMode}. Default `stretch`. */
  resizeMode?: ResizeMode;
  /** What the noise on the picture is multiplied by; less makes it smoother. Default 1. */
  initialNoise?: number;
  /** More noise than the noise level says, by so much: more is made up. 0…1. Default 0. */
  extraNoise?: number;
  /** The result gets the colours of the picture ("colour correction"). Default: false. */
  matchesColours?: boolean;
}

/** {@link Settings} and what else there is to know of a picture that is redone. */
export interface PictureSettings extends Settings, Redo {
  readonly image: RgbImage;
  readonly resizeMode: ResizeMode;
  readonly initialNoise: number;
  readonly extraNoise: number;
  readonly matchesColours: boolean;
}

/** Of a picture that is read in; beyond it lies no use, and memory for the resizing. */
const MAX_SIDE = 16_384;

/**
 * As `resolveSettings`; the size is that of the picture where none is asked for, cut to a multiple of 8.
 * @throws EngineError `invalid-request`
 */
export function resolvePictureSettings(request: PictureRequest, card: ModelCard): PictureSettings {
  const { image, strength = 0.75, exactSteps = false, resizeMode = 'stretch', initialNoise = 1 } = request;
  checkImage('image', image, 3);
  const { extraNoise = 0, matchesColours = false } = request;
  checkNumbers({ strength, initialNoise, extraNoise });
  if (!RESIZE_MODES.includes(resizeMode)) {
    throw invalid(
      `There is no resize mode named "${String(resizeMode)}".`,
      `Choose one of: ${RESIZE_MODES.join(', ')}.`,
    );
  }
  const width = request.width ?? image.width - (image.width % 8);
  const height = request.height ?? image.height - (image.height % 8);
  const settings = resolveSettings({ ...request, width, height }, card);
  return { ...settings, image, strength, exactSteps, resizeMode, initialNoise, extraNoise, matchesColours };
}

/**
 * How much of the picture and of unit noise is in the first latents. The webui scales the noise, and adds what is extra to the
 * picture.
 */
export function entryOf(
  { entry }: Pick<SamplingPlan, 'entry'>,
  { initialNoise, extraNoise }: Pick<PictureSettings, 'initialNoise' | 'extraNoise'>,
): SamplingPlan['entry'] {
  return { picture: entry.picture, noise: (entry.noise + entry.picture * extraNoise) * initialNoise };
}

/** @throws EngineError `invalid-request` if the bytes are not those of a picture of its size. */
export function checkImage(
  name: string,
  image: GreyImage | RgbImage | null | undefined,
  channels: 1 | 3,
): void {
  if (typeof image !== 'object' || image === null) {
    throw invalid(`Expected ${name} to be a picture but received ${String(image)}.`);
  }
  const { data, width, height } = image;
  const isSize = (side: unknown) => Number.isInteger(side) && Number(side) >= 1 && Number(side) <= MAX_SIDE;
  if (!isSize(width) || !isSize(height)) {
    throw invalid(`Expected ${name} to have sides from 1 to ${MAX_SIDE} but received ${width}x${height}.`);
  }
  if (!(data instanceof Uint8Array) || data.length !== width * height * channels) {
    throw invalid(
      `Expected ${name} to be ${width * height * channels} bytes for ${width}x${height} pixels, ${channels} a pixel, but received ${data.length}.`,
    );
  }
}
