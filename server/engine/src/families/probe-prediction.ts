import type { Latents } from '../diffusion/latents.ts';
import type { TextConditioning } from './diffusion-model.ts';
import type { Prediction } from './prediction.ts';

/** Latents' side of the test picture. */
const SIDE = 8;
const LAST_TIMESTEP = 999;

interface UnetShape {
  readonly channels: number;
  readonly contextWidth: number;
}

/**
 * Asks a UNet of SD 2.x what it predicts: of an even grey at the last timestep, noise prediction answers with about its input,
 * v prediction with about the negative of the picture, far below it. The test of AUTOMATIC1111's webui, same numbers.
 */
export async function probePrediction(
  predict: (x: Latents, timestep: number, context: TextConditioning) => Promise<Latents>,
  { channels, contextWidth }: UnetShape,
): Promise<Prediction> {
  const x: Latents = {
    data: new Float32Array(channels * SIDE * SIDE).fill(0.5),
    dims: [1, channels, SIDE, SIDE],
  };
  const context: TextConditioning = {
    data: new Float32Array(2 * contextWidth).fill(0.5),
    dims: [1, 2, contextWidth],
  };
  const { data } = await predict(x, LAST_TIMESTEP, context);
  const shift = data.reduce((sum, value) => sum + value - 0.5, 0) / data.length;
  return shift < -1 ? 'v' : 'epsilon';
}
