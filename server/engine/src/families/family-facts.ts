import type { HeadRule } from '../networks/unet-blocks.ts';

/** Generations of Stable Diffusion in the layout of the original code. */
export type Family = 'sd1' | 'sd2' | 'sdxl' | 'sdxl-refiner';

/** What the UNet takes beside the latents, told by its input channels: nothing (4), mask and picture (9), depth (5), a picture (8). */
export type UnetTask = 'text' | 'inpaint' | 'depth' | 'instruct';

/** What the weights do not tell; from the families' published configurations. */
export interface FamilyFacts {
  /** For people. */
  readonly title: string;
  /** Brings the VAE's latents to about unit variance; `scale_factor`. */
  readonly latentScale: number;
  /** Of the UNet's attentions. */
  readonly heads: HeadRule;
  /** Width of the text conditioning in the published models, for files that hold a UNet alone. */
  readonly contextWidth: number;
}

export const FAMILIES: Readonly<Record<Family, FamilyFacts>> = {
  /** Rombach et al. 2022, arXiv:2112.10752. */
  sd1: {
    title: 'Stable Diffusion 1.x',
    latentScale: 0.18215,
    heads: { heads: 8 },
    contextWidth: 768,
  },
  sd2: {
    title: 'Stable Diffusion 2.x',
    latentScale: 0.18215,
    heads: { headWidth: 64 },
    contextWidth: 1024,
  },
  /** Podell et al. 2023, arXiv:2307.01952. */
  sdxl: { title: 'SDXL', latentScale: 0.13025, heads: { headWidth: 64 }, contextWidth: 2048 },
  'sdxl-refiner': {
    title: 'SDXL refiner',
    latentScale: 0.13025,
    heads: { headWidth: 64 },
    contextWidth: 1280,
  },
};
