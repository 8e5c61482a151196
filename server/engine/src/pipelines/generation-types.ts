import type { Controls } from '../control/controls.ts';
import type { Latents } from '../diffusion/latents.ts';
import type { PixelPlanes, SizeConditioning } from '../families/diffusion-model.ts';
import type { Embedding } from '../families/embedding.ts';
import type { RgbImage } from '../pixels/image.ts';
import type { EmphasisMode } from '../prompt/weighting.ts';
import type { Conventions } from './conventions.ts';
import type { GuidanceRequest } from './guidance-settings.ts';
import type { RefinerRequest } from './refiner-settings.ts';
import type { SamplingKnobs } from './sampling-knobs.ts';
import type { SeedRequest } from './seed-settings.ts';

/** What all pipelines can be asked for. Everything but the prompt has a default, from the model's card, then the field's. */
export interface DrawingRequest extends SeedRequest {
  /**
   * What to draw. `(word:1.2)` stresses a word, `BREAK` starts a new chunk of 75 tokens, `AND` joins prompts that are
   * followed at once, each with a weight: `a cat AND a dog:0.5`. `[cat:dog:0.5]` changes on half of the way, `[cat|dog]` in
   * every step. `#` begins a comment, and tags such as `<lora:name:1>` are passed over: they are the caller's part.
   */
  prompt: string;
  /** What to keep out of the picture. Default: nothing. */
  negativePrompt?: string;
  /** 1…500. */
  steps?: number;
  /** Weight of classifier-free guidance; 1 turns it off and halves the work. */
  cfgScale?: number;
  /** 0…2³²−1; the same seed gives the same picture. Default 0: choosing one at random is the caller's part. */
  seed?: number;
  /** Name or alias, any case; see `samplers`. */
  sampler?: string;
  /** Name or alias, any case; `Automatic` = the sampler's own. */
  scheduler?: string;
  /** 1 = last layer of the text encoder (default), 2 = last but one, … Counts for SD 1.x only under `webui`. */
  clipSkip?: number;
  /** Share of fresh noise in the steps of samplers that add some; default: 1, for DDIM 0. */
  eta?: number;
  /**
   * Textual inversions that may be named in the prompts; see `openEmbedding`. Those for another kind of model are passed over.
   */
  embeddings?: readonly Embedding[];
  /** How brackets in prompts act on their words. Default `Original`. */
  emphasis?: EmphasisMode;
  /** How many tokens back from the end of a full chunk to look for a comma after which to break, 0…74. Default 20. */
  commaBacktrack?: number;
  /** Whether changes in prompts count time as the webui did before 1.6. Default false. */
  hasOldTimelines?: boolean;
  /** What SDXL is told about the size of the picture. Default: drawn in full at the size asked for. */
  size?: Omit<SizeConditioning, 'aestheticScore'>;
  /** Whose small print to follow; see {@link Conventions}. Default `webui`. */
  conventions?: Conventions;
  /** Options of samplers and schedules. Default: the webui's. */
  knobs?: SamplingKnobs;
  /** When and how the negative prompt guides. Default: in every step, in full. */
  guidance?: GuidanceRequest;
  /** A second model that finishes the picture. ControlNets and adapters guide the first alone. Default: none. */
  refiner?: RefinerRequest;
}

/** The size of the picture in pixels, multiples of 8. Default: the model's own, or that of the picture given. */
export interface SizeRequest {
  width?: number;
  height?: number;
}

/** What makes pictures of latents as samplers have them, for instance a small decoder in the TAESD layout. */
export interface PreviewDecoder {
  decode(latents: Latents): Promise<PixelPlanes>;
}

/** What all pipelines take beside the request. */
export interface GenerationOptions {
  /** Checked before every evaluation of a network; the generator then throws the signal's reason. */
  signal?: AbortSignal;
  /**
   * Ends the picture instead: the walk stops before the next evaluation, and what the model then sees in the noise is decoded.
   * Where nothing is seen yet, the generator throws the signal's reason.
   */
  keep?: AbortSignal;
  /** Decodes previews. Without it they are a linear map of the latents, one pixel for each 8 × 8. */
  taesd?: PreviewDecoder;
  /** Decodes the picture in place of the model's VAE: TAESD takes a hundredth of the time, and is softer. */
  decoder?: PreviewDecoder;
  /** ControlNets, adapters and image prompts that guide every step. */
  controls?: Controls;
}

/** A network is about to be loaded, or was found loaded. */
export interface LoadingEvent {
  readonly type: 'loading';
  readonly network: string;
}

/** A step of sampling is done. */
export interface StepEvent {
  readonly type: 'step';
  /** 1…steps. */
  readonly step: number;
  /** How many steps this picture takes; a few samplers take one less or more than was asked for. */
  readonly steps: number;
  readonly sigma: number;
  /** Makes a small picture of what the model now expects the result to be. Costs nothing if never called. */
  readonly preview: () => Promise<RgbImage>;
}

export type GenerationEvent =
  | LoadingEvent
  | { readonly type: 'conditioned' }
  /** After the last model evaluation of a step. */
  | StepEvent
  | { readonly type: 'decoding' }
  | { readonly type: 'image'; readonly image: RgbImage; readonly latents: Latents };
