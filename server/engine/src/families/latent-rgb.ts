import { parseJson } from './card.ts';
import type { LatentToRgb } from './diffusion-model.ts';
import type { Family } from './family-facts.ts';

type Rgb = readonly [number, number, number];

/** Fitted to SD 1.x latents by the community; the published weights are for colours in −1…1. */
const SD1_LATENT_TO_RGB: LatentToRgb = {
  weight: [
    [0.1756, 0.11485, 0.16135],
    [0.1625, 0.2487, 0.1175],
    [-0.14145, 0.0881, 0.13605],
    [-0.106, -0.1308, -0.35885],
  ],
  bias: [0.5, 0.5, 0.5],
};

/** As above, for SDXL. */
const SDXL_LATENT_TO_RGB: LatentToRgb = {
  weight: [
    [0.18255, 0.2116, 0.21705],
    [-0.12665, -0.0021, 0.0534],
    [0.0538, 0.05555, -0.0181],
    [-0.15825, -0.1246, -0.1094],
  ],
  bias: [0.5542, 0.49125, 0.49945],
};

const OF_FAMILY: Readonly<Record<Family, LatentToRgb>> = {
  sd1: SD1_LATENT_TO_RGB,
  sd2: SD1_LATENT_TO_RGB,
  sdxl: SDXL_LATENT_TO_RGB,
  'sdxl-refiner': SDXL_LATENT_TO_RGB,
};

/** The map for a family's usual latents. */
export function latentToRgbOf(family: Family): LatentToRgb {
  return OF_FAMILY[family];
}

/**
 * The map that a model brings for its own latents, in the metadata key `atelier.latent_rgb`:
 * `{"weight": [[r, g, b], …one a channel], "bias": [r, g, b]}`, for scaled latents and colours in 0…1.
 */
export function readLatentToRgb(json: string | undefined, channels: number, family: Family): LatentToRgb {
  const object = parseJson(json);
  if (typeof object !== 'object' || object === null) return OF_FAMILY[family];
  const { weight, bias } = object as { weight?: unknown; bias?: unknown };
  if (!isRgb(bias) || !Array.isArray(weight) || weight.length !== channels || !weight.every(isRgb)) {
    return OF_FAMILY[family];
  }
  return { weight, bias };
}

function isRgb(value: unknown): value is Rgb {
  return Array.isArray(value) && value.length === 3 && value.every((part) => Number.isFinite(part));
}
