import { checkWithin, invalid, type Bounds } from './bounds.ts';
import type { Conventions } from './conventions.ts';

/**
 * Whose sequence the noise of a seed is.
 *
 * - `cpu`: PyTorch's on the CPU.
 * - `gpu`: PyTorch's on a GPU (Philox), what the webui uses unless told otherwise.
 * - `comfyui`: ComfyUI's on a machine with a GPU: the first latents as `cpu`, steps have a sequence of their own.
 * - `comfyui-cpu`: ComfyUI's on a machine without.
 */
export type NoiseOrigin = (typeof NOISE_ORIGINS)[number];
export const NOISE_ORIGINS = ['cpu', 'gpu', 'comfyui', 'comfyui-cpu'] as const;

/** What a request says of its noise beside the seed. */
export interface SeedRequest {
  /** Default `cpu`; see {@link NoiseOrigin}. */
  noiseOrigin?: NoiseOrigin;
  /** A second seed, and how much of its noise is in the first latents, 0…1. `webui` only. Default: none. */
  variation?: { readonly seed: number; readonly strength: number };
  /**
   * Pixels, multiples of 8: the size of another picture of the seed, whose noise is laid in the middle of this one's, so that
   * both look alike. `webui` only. Default: none.
   */
  resizeSeedFrom?: { readonly width: number; readonly height: number };
  /** Added to the seed for all noise but that of the first latents ("ENSD"), 0…2³²−1. `webui` only. Default 0. */
  stepSeedDelta?: number;
}

/** With nothing left open, checked. */
export interface SeedSettings {
  readonly seed: number;
  readonly origin: NoiseOrigin;
  /** null = none. */
  readonly variation: NonNullable<SeedRequest['variation']> | null;
  /** Pixels; null = none. */
  readonly resizeFrom: NonNullable<SeedRequest['resizeSeedFrom']> | null;
  readonly stepSeedDelta: number;
}

const SEED: Bounds = { min: 0, max: 2 ** 32 - 1, multipleOf: 1 };
const SHARE: Bounds = { min: 0, max: 1 };
const SIDE: Bounds = { min: 64, max: 4096, multipleOf: 8 };

/** @throws EngineError `invalid-request` */
export function resolveSeed(seed: number, request: SeedRequest, conventions: Conventions): SeedSettings {
  const { noiseOrigin: origin = 'cpu', stepSeedDelta = 0 } = request;
  const { variation = null, resizeSeedFrom: resizeFrom = null } = request;
  if (!NOISE_ORIGINS.includes(origin)) {
    throw invalid(
      `There is no origin of noise named "${String(origin)}".`,
      `Choose one of: ${NOISE_ORIGINS.join(', ')}.`,
    );
  }
  checkWithin('seed', seed, SEED);
  checkWithin('stepSeedDelta', stepSeedDelta, SEED);
  if (variation) {
    checkWithin('variation.seed', variation.seed, SEED);
    checkWithin('variation.strength', variation.strength, SHARE);
  }
  if (resizeFrom) {
    checkWithin('resizeSeedFrom.width', resizeFrom.width, SIDE);
    checkWithin('resizeSeedFrom.height', resizeFrom.height, SIDE);
  }
  const settings = { seed, origin, variation, resizeFrom, stepSeedDelta };
  const own = ownToWebui(settings);
  if (own.length > 0 && (conventions === 'diffusers' || isComfyUi(origin))) {
    const other = conventions === 'diffusers' ? 'the conventions of diffusers' : "ComfyUI's noise";
    throw invalid(
      `There is no ${own.join(', no ')} under ${other}.`,
      "Leave these out, or choose the conventions of the webui and noise of 'cpu' or 'gpu'.",
    );
  }
  if (conventions === 'diffusers' && isComfyUi(origin)) {
    throw invalid('The noise is that of diffusers or of ComfyUI, not of both.', 'Choose one of the two.');
  }
  return settings;
}

export const isComfyUi = (origin: NoiseOrigin): boolean => origin.startsWith('comfyui');

/** What only the webui makes of a seed. */
function ownToWebui({ variation, resizeFrom, stepSeedDelta }: SeedSettings): string[] {
  return [
    ...(variation && variation.strength !== 0 ? ['variation'] : []),
    ...(resizeFrom ? ['resizeSeedFrom'] : []),
    ...(stepSeedDelta !== 0 ? ['stepSeedDelta'] : []),
  ];
}
