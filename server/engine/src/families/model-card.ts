import type { Family, UnetTask } from './family-facts.ts';

/** What a checkpoint says of itself (safetensors `__metadata__`, modelspec keys) and what was found in it. */
export interface ModelCard {
  readonly family: Family;
  readonly task: UnetTask;
  readonly title: string | null;
  readonly description: string | null;
  readonly usageHint: string | null;
  readonly licence: string | null;
  readonly samplePrompts: readonly string[];
  /** Settings the file asks for; absent ones are left to the caller. */
  readonly defaults: {
    readonly sampler?: string;
    readonly scheduler?: string;
    readonly steps?: number;
    readonly cfgScale?: number;
    readonly width?: number;
    readonly height?: number;
  };
  /** Number of parameters in each network. */
  readonly parameters: { readonly textEncoder: number; readonly unet: number; readonly vae: number };
}
