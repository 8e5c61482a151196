import type { Latents } from '../diffusion/latents.ts';
import type { Array32 } from '../onnx/session.ts';
import type { AppliedLora } from '../patches/patch-networks.ts';
import type { EmbeddingFix } from './embedding.ts';
import type { UnetTask } from './family-facts.ts';
import type { ModelCard } from './model-card.ts';
import type { AppliedHypernetwork } from './open-hypernetwork.ts';

/** Output of the text encoders: row-major float32, dims [1, tokens, width]; tokens is a multiple of 77. */
export interface TextConditioning {
  readonly data: Float32Array;
  readonly dims: readonly [batch: 1, tokens: number, width: number];
  /** One vector for the whole text, where the family has one (SDXL). */
  readonly pooled?: Float32Array;
  /** Widths of the encoders whose outputs lie side by side, where there are several; they add up to `width`. */
  readonly widths?: readonly number[];
}

/** What SDXL is told about the size of the picture, in pixels. Podell et al. 2023, arXiv:2307.01952, section 2.2. */
export interface SizeConditioning {
  /** Of the picture before it was cropped. */
  readonly original: readonly [height: number, width: number];
  readonly crop: readonly [top: number, left: number];
  readonly target: readonly [height: number, width: number];
  /** How well liked it should be, 0…10, for the refiner only: 6 for the prompt, 2.5 for the negative prompt. */
  readonly aestheticScore?: number;
}

/** What goes into an evaluation of the UNet besides latents, timestep and text. */
export interface Guides {
  /**
   * Further input channels, [1 or batch, channels, height, width], for the tasks that have them. Inpainting: mask (1 = draw
   * anew), then the masked picture's latents. Depth: depth in −1…1. Instructions: the picture's unscaled latents.
   */
  readonly concat?: Latents;
  /** Default: a picture of the size that is drawn, not cropped. */
  readonly size?: SizeConditioning;
  /** Added to the skips, first to last, and to the middle of the UNet (ControlNet). */
  readonly control?: { readonly skips: readonly Latents[]; readonly middle: Latents };
  /** Added to the ends of the levels on the way down (T2I-Adapter). */
  readonly features?: readonly Latents[];
  /** Inputs of what was built into the UNet when it was opened: image prompts, live strengths. */
  readonly inputs?: Readonly<Record<string, Array32>>;
}

/** Of the noise that a model was trained with. */
export interface NoiseFacts {
  readonly betaStart: number;
  readonly betaEnd: number;
  /** The last timestep is noise alone. Lin et al. 2023, arXiv:2305.08891. */
  readonly isZeroTerminal: boolean;
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
 * A loaded checkpoint: text encoders, UNet and VAE, ready to run. Networks are opened when first used, so that
 * encoding a prompt need not wait for the UNet. All methods throw `EngineError`; none keeps a reference to its input.
 */
export interface DiffusionModel {
  readonly card: ModelCard;
  readonly task: UnetTask;
  /** What the UNet predicts. SD 1.x: the noise. */
  readonly prediction: 'epsilon' | 'v';
  readonly noise: NoiseFacts;
  readonly latentChannels: number;
  /** Pixels along the side of one latent. */
  readonly factor: number;
  readonly latentToRgb: LatentToRgb;
  /** What it was opened with, in order. The strengths of live ones may be set between runs. */
  readonly loras: readonly AppliedLora[];
  readonly hypernetworks: readonly AppliedHypernetwork[];
  /**
   * Encodes one chunk of exactly 77 token ids (start, 75, end; padded with the end token, whatever the encoder pads with).
   * @param clipSkip 1 = last layer; 2 = last but one, and so on. Families that never use the last layer (SD 2, SDXL) take
   * 1 as their own, the last but one.
   * @param fixes embeddings in place of tokens
   */
  encodeText(
    tokenIds: Int32Array,
    clipSkip?: number,
    fixes?: readonly EmbeddingFix[],
  ): Promise<TextConditioning>;
  /** Widths of the vectors that the text encoders take in place of tokens; see `fitsEmbedding`. */
  readonly textWidths: readonly number[];
  /** One UNet evaluation. `x` is already scaled for the UNet; `timestep` 0…999 may be fractional. */
  predict(x: Latents, timestep: number, context: TextConditioning, guides?: Guides): Promise<Latents>;
  /** Latents as the sampler sees them (scaled) to pixels. */
  decode(latents: Latents): Promise<PixelPlanes>;
  /**
   * Pixels to the posterior of the VAE: mean and log-variance, both unscaled, dims [1, 4, h/8, w/8]. Latents for the sampler
   * are `latentScale` times a draw from it.
   */
  encodeImage(pixels: PixelPlanes): Promise<{ mean: Latents; logvar: Latents }>;
  readonly latentScale: number;
  /**
   * Loads the networks that text-to-image needs, reporting each before it is opened. Stops between two of them if `signal`
   * says so; those that are loaded stay.
   */
  load(onNetwork?: (name: string) => void, signal?: AbortSignal): Promise<void>;
  /** Frees native memory. The model cannot be used afterwards. */
  dispose(): Promise<void>;
}
