import type { Latents } from '../diffusion/latents.ts';
import { EngineError } from '../errors.ts';
import { hasTaesdEncoder, taesdDecoder, taesdEncoder, type TaesdModel } from '../networks/taesd.ts';
import { openWeights } from '../weights/open-weights.ts';
import { Weights } from '../weights/weights.ts';
import type { PixelPlanes } from './diffusion-model.ts';
import { LazyNetwork } from './lazy-network.ts';
import type { OpenOptions } from './open-checkpoint.ts';
import { imageDims, toLatents, toPlanes } from './planes.ts';
import { readAs } from './read-as.ts';

/** A small autoencoder for previews: a hundredth of the VAE's work, softer pictures. */
export interface TinyAutoencoder {
  readonly latentChannels: number;
  /** Scaled latents, as samplers see them, to pixels. */
  decode(latents: Latents): Promise<PixelPlanes>;
  /** Pixels to scaled latents. Only where an encoder was given. */
  encode(pixels: PixelPlanes): Promise<Latents>;
  /** Frees native memory. */
  dispose(): Promise<void>;
}

/**
 * Opens TAESD weights, of any weight format and in the original layout or that of diffusers; the networks are loaded when
 * first used. A file with both parts needs no second one.
 * @throws EngineError `model-not-found` or `model-invalid`
 */
export async function openTaesd(
  decoderPath: string,
  encoderPath?: string,
  options: OpenOptions = {},
): Promise<TinyAutoencoder> {
  const weights = new Weights(await openWeights(decoderPath));
  const model = await readAs('taesd', weights.source, () => taesdDecoder(weights));
  const decoder = part('TAESD decoder', weights, model, options);
  let others = hasTaesdEncoder(weights) ? weights : null;
  if (encoderPath !== undefined) others = new Weights(await openWeights(encoderPath));
  const encoder = others === null ? null : part('TAESD encoder', others, taesdEncoder(others), options);
  return new Taesd(decoder, encoder);
}

function part(
  name: string,
  { source }: Weights,
  model: TaesdModel,
  options: OpenOptions,
): LazyNetwork<TaesdModel> {
  return new LazyNetwork(name, model, [source], options);
}

class Taesd implements TinyAutoencoder {
  readonly latentChannels: number;
  readonly #decoder: LazyNetwork<TaesdModel>;
  readonly #encoder: LazyNetwork<TaesdModel> | null;

  constructor(decoder: LazyNetwork<TaesdModel>, encoder: LazyNetwork<TaesdModel> | null) {
    this.latentChannels = decoder.model.latentChannels;
    this.#decoder = decoder;
    this.#encoder = encoder;
  }

  async decode(latents: Latents): Promise<PixelPlanes> {
    if (latents.dims[0] !== 1 || latents.dims[1] !== this.latentChannels) {
      throw new RangeError(`Expected latents of one picture but received dims ${latents.dims.join(', ')}.`);
    }
    const { data, height, width } = toPlanes(await this.#decoder.runOne({ latents }, 'pixels'));
    return { data: data.map((value) => 2 * value - 1), height, width };
  }

  async encode(pixels: PixelPlanes): Promise<Latents> {
    if (this.#encoder === null) {
      throw new EngineError('invalid-request', 'This TAESD was opened without its encoder.', {
        hint: 'Put taesd_encoder.safetensors beside taesd_decoder.safetensors.',
      });
    }
    const dims = imageDims(pixels, this.#encoder.model.factor);
    const data = pixels.data.map((value) => (value + 1) / 2);
    return toLatents(await this.#encoder.runOne({ pixels: { data, dims } }, 'latents'));
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#decoder.dispose(), this.#encoder?.dispose()]);
  }
}
