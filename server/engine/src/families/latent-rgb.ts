import { parseJson } from './card.ts';
import type { LatentToRgb } from './diffusion-model.ts';

type Rgb = readonly [number, number, number];

/** Fitted to SD 1.x latents by the community; the published weights are for colours in −1…1. */
export const SD1_LATENT_TO_RGB: LatentToRgb = {
  weight: [
    [0.1756, 0.11485, 0.16135],
    [0.1625, 0.2487, 0.1175],
    [-0.14145, 0.0881, 0.13605],
    [-0.106, -0.1308, -0.35885],
  ],
  bias: [0.5, 0.5, 0.5],
};

/**
 * The map that a model brings for its own latents, in the metadata key `atelier.latent_rgb`:
 * `{"weight": [[r, g, b], …one a channel], "bias": [r, g, b]}`, for scaled latents and colours in 0…1.
 */
export function readLatentToRgb(json: string | undefined, channels: number): LatentToRgb {
  const object = parseJson(json);
  if (typeof object !== 'object' || object === null) return SD1_LATENT_TO_RGB;
  const { weight, bias } = object as { weight?: unknown; bias?: unknown };
  if (!isRgb(bias) || !Array.isArray(weight) || weight.length !== channels || !weight.every(isRgb)) {
    return SD1_LATENT_TO_RGB;
  }
  return { weight, bias };
}

function isRgb(value: unknown): value is Rgb {
  return Array.isArray(value) && value.length === 3 && value.every((part) => Number.isFinite(part));
}
