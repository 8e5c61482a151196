import { addScaled, scaled, type Latents } from '../diffusion/latents.ts';
import type { DiffusionModel, PixelPlanes } from '../families/diffusion-model.ts';
import type { NoiseSource } from './noise-source.ts';
import { overflow } from './sample.ts';

interface Encoding {
  readonly source: NoiseSource;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A picture as the sampler's latents: the mean of its encoding (webui, which itself draws from a sequence that no seed
 * governs), or a draw, the next of the seed's sequence (diffusers).
 */
export async function encodePicture(
  model: DiffusionModel,
  planes: PixelPlanes,
  { source, signal }: Encoding,
): Promise<Latents> {
  const { mean, logvar } = await posteriorOf(model, planes, signal);
  if (source.before === null) return scaled(mean, model.latentScale);
  const noise = source.before(mean.dims);
  const deviation = logvar.data.map((value) => Math.exp(Math.min(Math.max(value, -30), 20) / 2));
  const spread = { data: noise.data.map((value, i) => value * deviation[i]!), dims: mean.dims };
  return scaled(addScaled(mean, spread, 1), model.latentScale);
}

/** Mean and log-variance of a picture's encoding, unscaled. */
export async function posteriorOf(
  model: DiffusionModel,
  planes: PixelPlanes,
  signal?: AbortSignal,
): Promise<{ mean: Latents; logvar: Latents }> {
  signal?.throwIfAborted();
  const posterior = await model.encodeImage(planes);
  if (!posterior.mean.data.every(Number.isFinite)) throw overflow('The encoded picture');
  return posterior;
}
