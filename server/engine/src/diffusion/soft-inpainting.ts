import { inInput, type Inpainting, type KeptPicture } from './inpainting.ts';
import type { Latents } from './latents.ts';
import { scaled } from './latents.ts';

/** How a soft mask keeps a picture: the webui's soft inpainting. */
export interface SoftMask {
  /** Above 1 the picture is kept more at high noise, below 1 at low noise; default 1. */
  readonly bias: number;
  /** How much of the picture half covered parts keep; default 0.5. */
  readonly preservation: number;
  /** How near a blend comes to the longer one of what it is made of, so that contrast is not lost; default 4. */
  readonly contrast: number;
}

interface Softly extends KeptPicture {
  readonly soft: SoftMask;
  /** What the webui takes for the noise level: for samplers that choose their own levels, the timestep. */
  readonly levelOf: (sigma: number) => number;
}

/** The picture goes into what the model sees in the noise by a mask that grows as the noise becomes less. */
export function keepSoftlyInDenoised(kept: Softly): Inpainting {
  return {
    around: (denoise) => async (x, sigma) =>
      softlyBlended(await denoise(x, sigma), kept.original, shares(kept, sigma), kept.soft.contrast),
    finish: (latents) => latents,
  };
}

/** The same in what the model is shown, for the samplers that choose their own levels. */
export function keepSoftlyInInput(kept: Softly): Inpainting {
  const shown = (x: Latents, sigma: number) =>
    softlyBlended(
      x,
      scaled(kept.original, Math.sqrt(1 + sigma ** 2)),
      shares(kept, sigma),
      kept.soft.contrast,
    );
  return { around: inInput(shown), finish: (latents) => latents };
}

/** How much of what is drawn is in the blend: as if the picture had been laid over it so many times. */
function shares({ mask, soft, levelOf }: Softly, sigma: number): Float32Array {
  const times = levelOf(sigma) ** soft.bias * soft.preservation;
  return mask.map((value) => Math.max(value, 0) ** times);
}

/** Keeps lengths from 0 out of divisions. */
const TINY = 1e-5;

/**
 * Blends the vectors of channels of every latent pixel; their lengths are blended apart from their directions.
 * @param shares Of `drawn`, one for each latent pixel.
 * @param contrast 1 blends lengths as they are; the more, the nearer to the longer one.
 */
export function softlyBlended(
  drawn: Latents,
  kept: Latents,
  shares: Float32Array,
  contrast: number,
): Latents {
  const area = shares.length;
  const channels = drawn.dims[1];
  const data = new Float32Array(drawn.data.length);
  for (let place = 0; place < area; place++) {
    const share = shares[place];
    let [ofDrawn, ofKept, ofBlend] = [0, 0, 0];
    for (let i = place; i < channels * area; i += area) {
      data[i] = share * drawn.data[i] + (1 - share) * kept.data[i];
      ofDrawn += drawn.data[i] ** 2;
      ofKept += kept.data[i] ** 2;
      ofBlend += data[i] ** 2;
    }
    const length =
      (Math.sqrt(ofKept) ** contrast * (1 - share) + Math.sqrt(ofDrawn) ** contrast * share) **
      (1 / contrast);
    const factor = length / (Math.sqrt(ofBlend) + TINY);
    for (let i = place; i < channels * area; i += area) data[i] *= factor;
  }
  return { data, dims: drawn.dims };
}
