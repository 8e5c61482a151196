import type { Latents } from '../diffusion/latents.ts';
import type { ModelCard } from './model-card.ts';

/** Output of the text encoder: row-major float32, dims [1, tokens, width]; tokens is a multiple of 77. */
export interface TextConditioning {
  readonly data: Float32Array;
  readonly dims: readonly [batch: 1, tokens: number, width: number];
}

/** RGB planes in −1…1 (a decoder may exceed them a little), dims [3, height, width]. */
export interface PixelPlanes {
  readonly data: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** Affine map from latents to RGB in 0…1: `rgb[c] = bias[c] + Σ latents[k] · weight[k][c]`. */
export interface LatentToRgb {
  readonly weight: readonly (readonly [number, number, number])[];
  readonly bias: readonly [number, number, number];
}

/**
 * A loaded checkpoint: text encoder, UNet and VAE, ready to run. Networks are opened when first used, so that
 * encoding a prompt need not wait for the UNet. All methods throw `EngineError`; none keeps a reference to its input.
 */
export interface DiffusionModel {
  readonly card: ModelCard;
  /** What the UNet predicts. SD 1.x: the noise. */
  readonly prediction: 'epsilon' | 'v';
  readonly latentChannels: number;
  readonly latentToRgb: LatentToRgb;
  /**
   * Encodes one chunk of exactly 77 token ids (start, 75, end/padding).
   * @param clipSkip 1 = last layer; 2 = last but one followed by the final layer norm, and so on.
   */
  encodeText(tokenIds: Int32Array, clipSkip?: number): Promise<TextConditioning>;
  /** One UNet evaluation. `x` is already scaled for the UNet; `timestep` 0…999 may be fractional. */
  predict(x: Latents, timestep: number, context: TextConditioning): Promise<Latents>;
  /** Latents as the sampler sees them (scaled) to pixels. */
  decode(latents: Latents): Promise<PixelPlanes>;
  /** Pixels to the posterior of the VAE: mean and log-variance, both unscaled, dims [1, 4, h/8, w/8]. */
  encodeImage(pixels: PixelPlanes): Promise<{ mean: Latents; logvar: Latents }>;
  /** Loads the networks that text-to-image needs, reporting each before it is opened. */
  load(onNetwork?: (name: 'text encoder' | 'UNet' | 'VAE decoder') => void): Promise<void>;
  /** Frees native memory. The model cannot be used afterwards. */
  dispose(): Promise<void>;
}
