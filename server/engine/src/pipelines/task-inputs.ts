import { scaled, type Latents } from '../diffusion/latents.ts';
import { resizeLatents } from '../diffusion/resize-latents.ts';
import type { DiffusionModel } from '../families/diffusion-model.ts';
import type { UnetTask } from '../families/family-facts.ts';
import { posteriorOf } from './encode-picture.ts';
import { invalid } from './bounds.ts';
import type { Settings } from './settings.ts';

/** How far or near every point of a picture is, any size, in any unit that grows towards the viewer; height · width. */
export interface DepthMap {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/**
 * What a checkpoint for inpainting is shown in place of a masked picture where nothing of one is seen, −1…1: the webui has
 * one brightness where there is no picture, and one where all of it is masked.
 */
export const BLANK = { none: 0.5, masked: 0 } as const;

const LACKING: Partial<Record<UnetTask, string>> = {
  depth: 'This checkpoint draws by the depth of a picture, and there is none.',
  instruct: 'This checkpoint changes a picture as it is told, and there is none.',
};

/** @throws EngineError `invalid-request` if the checkpoint cannot draw from text alone. */
export function requireTextTask({ task }: Pick<DiffusionModel, 'task'>): void {
  const lack = LACKING[task];
  if (lack !== undefined) throw invalid(lack, 'Use image to image, or choose another checkpoint.');
}

/** @throws EngineError `invalid-request` if a checkpoint that draws by depth has none, or one that is no picture. */
export function checkDepth({ task }: Pick<DiffusionModel, 'task'>, depth: DepthMap | undefined): void {
  if (task !== 'depth') return;
  if (depth === undefined)
    throw invalid(LACKING.depth!, 'Send the depth of the picture, or choose another checkpoint.');
  const { data, width, height } = depth;
  if (!(data instanceof Float32Array) || data.length === 0 || data.length !== width * height) {
    throw invalid(
      `Expected depth to be ${width * height} numbers for ${width}x${height} points but received ${data.length}.`,
    );
  }
  if (!data.every(Number.isFinite)) throw invalid('Expected depth to be numbers but some are not.');
}

/**
 * What a checkpoint for inpainting takes where everything is to be drawn; undefined for those that take nothing.
 * @param brightness Of the even picture that is given for the one that is masked; see {@link BLANK}.
 */
export async function blankConcat(
  model: DiffusionModel,
  { height, width }: Pick<Settings, 'height' | 'width'>,
  brightness: number,
  signal?: AbortSignal,
): Promise<Latents | undefined> {
  if (model.task !== 'inpaint') return undefined;
  const picture = { data: new Float32Array(3 * height * width).fill(brightness), height, width };
  const { mean } = await posteriorOf(model, picture, signal);
  const [, , rows, columns] = mean.dims;
  return maskAndPicture(new Float32Array(rows * columns).fill(1), scaled(mean, model.latentScale));
}

/** The further channels of a checkpoint for inpainting. @param mask 1 = draw anew, one for each latent pixel. */
export function maskAndPicture(mask: Float32Array, picture: Latents): Latents {
  const [, channels, height, width] = picture.dims;
  const data = new Float32Array(mask.length + picture.data.length);
  data.set(mask);
  data.set(picture.data, mask.length);
  return { data, dims: [1, 1 + channels, height, width] };
}

/** A depth map as a channel of the UNet: of the latents' size, −1 where it is farthest and 1 where it is nearest. */
export function depthChannel({ data, width, height }: DepthMap, rows: number, columns: number): Latents {
  const resized = resizeLatents({ data, dims: [1, 1, height, width] }, rows, columns, 'bicubic');
  const [low, high] = [-1, 1].map((sign) =>
    resized.data.reduce((most, value) => Math.max(most, sign * value), -Infinity),
  ) as [number, number];
  const range = high + low;
  if (range === 0) return { data: new Float32Array(rows * columns), dims: resized.dims };
  return { data: resized.data.map((value) => (2 * (value + low)) / range - 1), dims: resized.dims };
}
