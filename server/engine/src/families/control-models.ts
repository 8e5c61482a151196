import type { Latents } from '../diffusion/latents.ts';
import type { AttentionHooks } from '../networks/attention-hooks.ts';
import type { ImagePromptPlace } from '../networks/ip-adapter.ts';
import type { Array32 } from '../onnx/session.ts';
import type { RgbImage } from '../pixels/image.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import type { Guides, PixelPlanes, SizeConditioning, TextConditioning } from './diffusion-model.ts';
import type { Family } from './family-facts.ts';

/** What a ControlNet adds: to each skip of the UNet, first to last, and to its middle. */
export type ControlResiduals = NonNullable<Guides['control']>;

/** One evaluation of a ControlNet. */
export interface ControlInput {
  /** As the UNet takes it, without further channels. */
  readonly x: Latents;
  readonly timestep: number;
  readonly context: TextConditioning;
  /** From `encodeHint`, for pixels of the size that is drawn. */
  readonly hint: Latents;
  /** Default: a picture of the size that is drawn, not cropped. SDXL only. */
  readonly size?: SizeConditioning;
}

/** A ControlNet that is open. Zhang et al. 2023, arXiv:2302.05543. All methods throw `EngineError`. */
export interface ControlNet {
  /** Of the UNets that it was made for. */
  readonly family: Family;
  /** How many skips it adds to. */
  readonly skips: number;
  /** Pixels along the side of one latent. */
  readonly factor: number;
  /** What it adds is to be averaged over the picture, and to act on the prompt's half alone. */
  readonly isPooled: boolean;
  /**
   * The part of it that sees the picture; its result serves every step.
   * @param hint in 0…1, −1 where an inpainting ControlNet is to draw; sides are multiples of `factor`
   */
  encodeHint(hint: PixelPlanes): Promise<Latents>;
  evaluate(input: ControlInput): Promise<ControlResiduals>;
  /** Frees native memory. */
  dispose(): Promise<void>;
}

/** A T2I-Adapter that is open. Mou et al. 2023, arXiv:2302.08453. All methods throw `EngineError`. */
export interface T2iAdapter {
  /** Sides of a hint are multiples of it. */
  readonly factor: number;
  /** What it adds to the ends of the UNet's levels; serves every step. @param hint in 0…1 */
  features(hint: PixelPlanes): Promise<readonly Latents[]>;
  /** Frees native memory. */
  dispose(): Promise<void>;
}

/** Pictures as tokens beside the text's: [1, tokens, width]. */
export interface ImageTokens {
  readonly cond: Array32;
  /** For the negative prompt: of no picture. */
  readonly uncond: Array32;
}

/** An IP-Adapter that is open, with its vision tower. Ye et al. 2023, arXiv:2308.06721. All methods throw `EngineError`. */
export interface ImagePrompt {
  /** That its part of the UNet lies in. */
  readonly source: WeightSource;
  /** What builds it into a UNet. */
  hooks(place: ImagePromptPlace): AttentionHooks;
  /** One picture or several at once, of any size. */
  encode(pictures: readonly RgbImage[]): Promise<ImageTokens>;
  /** Frees native memory, not that of the UNet that it was built into. */
  dispose(): Promise<void>;
}
