import type { Denoiser } from './denoiser.ts';
import type { Latents } from './latents.ts';
import { weightedSum } from './latents.ts';

/** A layer around a denoiser, and what is left to do when the sampler has ended. */
export interface Inpainting {
  readonly around: (denoise: Denoiser) => Denoiser;
  /** On the clean latents. */
  readonly finish: (latents: Latents) => Latents;
}

/** A picture to be kept in part. */
export interface KeptPicture {
  /** Its clean latents. */
  readonly original: Latents;
  /** 1 = draw anew, 0 = keep; one value for each latent pixel, [height · width]. */
  readonly mask: Float32Array;
}

/** `drawn` where the mask is 1, `kept` where it is 0. */
export function blended(mask: Float32Array, drawn: Latents, kept: Latents): Latents {
  const area = mask.length;
  const data = drawn.data.map((value, i) => {
    const share = mask[i % area];
    return share * value + (1 - share) * kept.data[i];
  });
  return { data, dims: drawn.dims };
}

/** The original takes the place of what the model sees in the noise: the webui, for samplers that choose no levels. */
export function keepInDenoised({ original, mask }: KeptPicture): Inpainting {
  const keep = (latents: Latents) => blended(mask, latents, original);
  return {
    around: (denoise) => async (x, sigma) => keep(await denoise(x, sigma)),
    finish: keep,
  };
}

/**
 * The original, without noise and of the scale that the model takes its input in, is what the model is shown: the webui, for
 * the samplers that choose their own levels.
 */
export function keepInInput({ original, mask }: KeptPicture): Inpainting {
  const shown = (x: Latents, sigma: number) =>
    blended(mask, x, weightedSum([Math.sqrt(1 + sigma ** 2), original]));
  return { around: inInput(shown), finish: (latents) => blended(mask, latents, original) };
}

/** The model is shown something else; the sampler goes on with its own latents and the noise that the model found. */
export function inInput(showing: (x: Latents, sigma: number) => Latents): Inpainting['around'] {
  return (denoise) => async (x, sigma) => {
    const shown = showing(x, sigma);
    const denoised = await denoise(shown, sigma);
    const moved = (answer: Latents) => weightedSum([1, x], [-1, shown], [1, answer]);
    return denoised.uncond ? { ...moved(denoised), uncond: moved(denoised.uncond) } : moved(denoised);
  };
}

/**
 * After every step the original with `noise` of the level reached takes the place of what was drawn: diffusers. Here the
 * model is shown that; since samplers treat every element alone, a mask of 0 and 1 gives the same.
 * @param levelAt What the noise level of the original is where the sampler is at `sigma`, and what its latents are
 * multiplied by; null leaves the latents of that level as they are.
 */
export function keepNoised(
  { original, mask }: KeptPicture,
  noise: Latents,
  levelAt: (sigma: number) => { level: number; factor: number } | null,
): Inpainting {
  return {
    around: (denoise) => async (x, sigma) => {
      const at = levelAt(sigma);
      if (at === null) return denoise(x, sigma);
      const kept = weightedSum([at.factor, original], [at.factor * at.level, noise]);
      return denoise(blended(mask, x, kept), sigma);
    },
    finish: (latents) => blended(mask, latents, original),
  };
}
