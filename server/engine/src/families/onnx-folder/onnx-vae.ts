import type { Latents } from '../../diffusion/latents.ts';
import { EngineError } from '../../errors.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import type { ModelFile } from '../../onnx/model-file/model-file.ts';
import type { PixelPlanes } from '../diffusion-model.ts';
import type { LazyNetwork } from '../lazy-network.ts';
import { imageDims, toLatents, toPlanes } from '../planes.ts';
import { soleOf } from './onnx-networks.ts';

/** One half of a VAE that came as an ONNX file. */
export interface OnnxHalf {
  readonly network: LazyNetwork<OnnxModel>;
  readonly file: ModelFile;
}
/** Of a posterior that is a point: e to this is next to nothing. */
const NO_SPREAD = -30;
/** The log-variance is kept in this range, as the original does. */
const [LEAST, MOST] = [-30, 20];

/** @param latents unscaled, of one picture */
export async function decodeOnnx({ network, file }: OnnxHalf, latents: Latents): Promise<PixelPlanes> {
  const input = soleOf(file.inputs, 'latent_sample').name;
  return toPlanes(await network.runOne({ [input]: latents }, soleOf(file.outputs, 'sample').name));
}

/**
 * Pixels to the posterior. Present exports give its mean and log-variance one after the other (`latent_parameters`); older
 * ones give a draw of their own from it (`latent_sample`), which is then taken for the mean.
 */
export async function encodeOnnx(
  half: OnnxHalf | null,
  pixels: PixelPlanes,
  { factor, latentChannels }: { factor: number; latentChannels: number },
): Promise<{ mean: Latents; logvar: Latents }> {
  const dims = imageDims(pixels, factor);
  if (half === null) {
    throw new EngineError('model-invalid', 'The model has no VAE encoder ("vae_encoder/model.onnx").', {
      hint: 'Export it with its VAE encoder to start from pictures.',
    });
  }
  const { network, file } = half;
  const input = soleOf(file.inputs, 'sample').name;
  const output = soleOf(file.outputs, 'latent_parameters', 'latent_sample').name;
  const out = toLatents(await network.runOne({ [input]: { data: pixels.data, dims } }, output));
  const [batch, channels, height, width] = out.dims;
  const size = latentChannels * height * width;
  if (batch !== 1 || (channels !== latentChannels && channels !== 2 * latentChannels)) {
    throw new EngineError('model-invalid', `The VAE encoder gave dims ${out.dims.join(', ')}.`, {
      hint: 'Export the model again with optimum.',
    });
  }
  const of = (data: Float32Array): Latents => ({ data, dims: [1, latentChannels, height, width] });
  const spread =
    channels === latentChannels
      ? new Float32Array(size).fill(NO_SPREAD)
      : out.data.slice(size).map((value) => Math.min(MOST, Math.max(LEAST, value)));
  return { mean: of(out.data.slice(0, size)), logvar: of(spread) };
}
