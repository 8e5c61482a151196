import type { Latents } from '../diffusion/latents.ts';
import type { ControlNet, ImageTokens, T2iAdapter } from '../families/control-models.ts';
import type { Guides, PixelPlanes, SizeConditioning, TextConditioning } from '../families/diffusion-model.ts';
import type { ControlMode } from './layer-weights.ts';

/** The evaluation of the UNet that is to be guided. */
export interface ControlStep {
  /** Index of the sampler's step, 0…steps−1; all evaluations of a step have the same. */
  readonly stepIndex: number;
  readonly steps: number;
  /** For the negative prompt. */
  readonly isUncond: boolean;
  /** As the UNet gets it, without further channels. */
  readonly x: Latents;
  readonly timestep: number;
  readonly context: TextConditioning;
  /** What the UNet gets; SDXL only. */
  readonly size?: SizeConditioning;
}

/** What guides the drawing of a picture besides the text. */
export interface Controls {
  /**
   * What all that acts in this step adds up to, to be passed to `DiffusionModel.predict` with whatever else it takes.
   * What does not change between steps is computed once for each size of picture.
   */
  guidesFor(step: ControlStep): Promise<Pick<Guides, 'control' | 'features' | 'inputs'>>;
}

/** When and how strongly something guides. */
export interface UnitSettings {
  /** Default 1. */
  readonly weight?: number;
  /** Part of the steps in which it acts, 0…1. Default: all. */
  readonly start?: number;
  readonly end?: number;
}
interface LayerSettings extends UnitSettings {
  /** Default `balanced`. */
  readonly mode?: ControlMode;
  /** In place of the weights that follow from `weight` and `mode`: one for each skip, then the middle's; or one a feature. */
  readonly layerWeights?: readonly number[];
  /** Where in the picture it acts, 0…1, [1, 1, height, width] of any size. Default: everywhere. */
  readonly region?: Latents;
  /**
   * The picture that it goes by, in 0…1, of the size that is asked for; an inpainting ControlNet's is −1 where it is to
   * draw. Asked once for each size.
   */
  readonly hint: (height: number, width: number) => PixelPlanes | Promise<PixelPlanes>;
}

export interface ControlNetUnit extends LayerSettings {
  readonly kind: 'controlnet';
  readonly network: ControlNet;
  /** Averages what it adds over the picture, and acts on the prompt's half alone. Default: what its configuration says. */
  readonly isPooled?: boolean;
}
export interface AdapterUnit extends LayerSettings {
  readonly kind: 'adapter';
  readonly network: T2iAdapter;
}
export interface ImagePromptUnit extends UnitSettings {
  readonly kind: 'image-prompt';
  /** Place among the image prompts that the model was opened with. */
  readonly index: number;
  readonly tokens: ImageTokens;
}
export type ControlUnit = ControlNetUnit | AdapterUnit | ImagePromptUnit;
