import type { Latents } from '../diffusion/latents.ts';
import { EngineError } from '../errors.ts';
import { CHUNK_TOKENS, clipText, type ClipTextModel } from '../networks/clip-text.ts';
import { unet, type UnetModel } from '../networks/unet.ts';
import { vaeDecoder, vaeEncoder, type VaeModel } from '../networks/vae.ts';
import type { SessionOptions } from '../onnx/session.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import { readModelCard } from './card.ts';
import type { DiffusionModel, LatentToRgb, PixelPlanes, TextConditioning } from './diffusion-model.ts';
import { readLatentToRgb } from './latent-rgb.ts';
import { LazyNetwork } from './lazy-network.ts';
import { requireMemory } from './memory.ts';
import type { ModelCard } from './model-card.ts';
import { imageDims, toLatents, toPlanes } from './planes.ts';
import type { Sd1Parts } from './recognise.ts';

/** Brings the VAE's latents to about unit variance; `scale_factor` of the SD 1.x configuration. Rombach et al. 2022. */
const LATENT_SCALE = 0.18215;
/** Heads of every attention in the UNet, `num_heads` of the SD 1.x configuration; the weights do not tell. */
const UNET_HEADS = 8;

/** The graphs of all networks; also the check that nothing is missing, since it reads no weights. */
export function sd1Networks(parts: Sd1Parts): {
  text: ClipTextModel;
  unet: UnetModel;
  decoder: VaeModel;
} {
  const text = clipText(parts.text);
  const network = unet(parts.unet, { heads: UNET_HEADS });
  const decoder = vaeDecoder(parts.vae);
  if (text.width !== network.contextWidth) {
    throw new EngineError(
      'model-invalid',
      `"${parts.unet.source.name}" has a text encoder ${text.width} wide, but a UNet for ${network.contextWidth}.`,
      { hint: 'The file mixes parts of different models; look for another version of it.' },
    );
  }
  if (decoder.latentChannels !== network.inputChannels) {
    throw new EngineError(
      'model-invalid',
      `"${parts.unet.source.name}" has a UNet for ${network.inputChannels} channels, but a VAE with ${decoder.latentChannels}.`,
      { hint: 'The file mixes parts of different models; look for another version of it.' },
    );
  }
  return { text, unet: network, decoder };
}

/** SD 1.x: CLIP text encoder, UNet on 4-channel latents, VAE. */
export function openSd1(source: WeightSource, parts: Sd1Parts, options: SessionOptions): DiffusionModel {
  return new Sd1Model(source, parts, options);
}

class Sd1Model implements DiffusionModel {
  readonly card: ModelCard;
  readonly prediction: 'epsilon' | 'v';
  readonly latentChannels: number;
  readonly latentToRgb: LatentToRgb;
  readonly #text: LazyNetwork<ClipTextModel>;
  readonly #unet: LazyNetwork<UnetModel>;
  readonly #decoder: LazyNetwork<VaeModel>;
  /** Its weights may be left out of a file, so it is looked for when it is needed. */
  readonly #buildEncoder: () => LazyNetwork<VaeModel>;
  #encoder: LazyNetwork<VaeModel> | null = null;
  /** Latent pixels of the largest picture that there was memory for; networks keep what a run took. */
  #largestArea = 0;

  constructor(source: WeightSource, parts: Sd1Parts, options: SessionOptions) {
    const networks = sd1Networks(parts);
    this.card = readModelCard(source, parts);
    this.prediction = parts.prediction;
    this.latentChannels = networks.unet.inputChannels;
    this.latentToRgb = readLatentToRgb(source.metadata.get('atelier.latent_rgb'), this.latentChannels);
    this.#text = new LazyNetwork('text encoder', networks.text, source, options);
    this.#unet = new LazyNetwork('UNet', networks.unet, source, options);
    this.#decoder = new LazyNetwork('VAE decoder', networks.decoder, source, options);
    this.#buildEncoder = () => new LazyNetwork('VAE encoder', vaeEncoder(parts.vae), source, options);
  }

  async encodeText(tokenIds: Int32Array, clipSkip = 1): Promise<TextConditioning> {
    const { layers, vocabulary, width } = this.#text.model;
    if (tokenIds.length !== CHUNK_TOKENS) {
      throw new RangeError(`Expected ${CHUNK_TOKENS} token ids but received ${tokenIds.length}.`);
    }
    const unknown = tokenIds.find((id) => id < 0 || id >= vocabulary);
    if (unknown !== undefined) {
      throw new RangeError(`Token id ${unknown} is not in the text encoder's vocabulary of ${vocabulary}.`);
    }
    if (!Number.isInteger(clipSkip) || clipSkip < 1 || clipSkip > layers) {
      throw new EngineError(
        'invalid-request',
        `Expected CLIP skip from 1 to ${layers} but received ${clipSkip}.`,
        {
          hint: `This model's text encoder has ${layers} layers.`,
        },
      );
    }
    const session = await this.#text.session();
    const tokens = { data: tokenIds, dims: [1, CHUNK_TOKENS] };
    const { data } = await session.runOne({ tokens }, `skip${clipSkip}`);
    return { data, dims: [1, CHUNK_TOKENS, width] };
  }

  async predict(x: Latents, timestep: number, context: TextConditioning): Promise<Latents> {
    const [batch] = x.dims;
    const [, tokens, width] = context.dims;
    if (x.dims[1] !== this.latentChannels || width !== this.#unet.model.contextWidth) {
      throw new RangeError(
        `Expected ${this.latentChannels} channels and context ${this.#unet.model.contextWidth} wide but received ${x.dims[1]} and ${width}.`,
      );
    }
    await this.#requireMemory(x);
    const session = await this.#unet.session();
    const out = await session.runOne(
      {
        sample: x,
        timestep: { data: Float32Array.of(timestep), dims: [1] },
        context: { data: repeated(context.data, batch), dims: [batch, tokens, width] },
      },
      'out',
    );
    return toLatents(out);
  }

  async decode(latents: Latents): Promise<PixelPlanes> {
    if (latents.dims[0] !== 1 || latents.dims[1] !== this.latentChannels) {
      throw new RangeError(`Expected latents of one picture but received dims ${latents.dims.join(', ')}.`);
    }
    await this.#requireMemory(latents);
    const session = await this.#decoder.session();
    const unscaled = { data: latents.data.map((value) => value / LATENT_SCALE), dims: latents.dims };
    return toPlanes(await session.runOne({ latents: unscaled }, 'pixels'));
  }

  async encodeImage(pixels: PixelPlanes): Promise<{ mean: Latents; logvar: Latents }> {
    this.#encoder ??= this.#buildEncoder();
    const dims = imageDims(pixels, this.#encoder.model.factor);
    const session = await this.#encoder.session();
    const { mean, logvar } = await session.run({ pixels: { data: pixels.data, dims } }, ['mean', 'logvar']);
    return { mean: toLatents(mean), logvar: toLatents(logvar) };
  }

  /** Of the whole way to the picture, so that a size that is too large fails at the first step and not at the last. */
  async #requireMemory({ dims: [batch, , height, width] }: Latents): Promise<void> {
    const area = batch * height * width;
    if (area <= this.#largestArea) return;
    const { factor } = this.#decoder.model;
    const needs = [this.#unet, this.#decoder].map(
      ({ loadBytes, model }) => loadBytes + model.runBytesPerLatent * (area - this.#largestArea),
    );
    await requireMemory(
      `draw ${width * factor}x${height * factor} pixels`,
      needs.reduce((sum, bytes) => sum + bytes),
    );
    this.#largestArea = area;
  }

  async load(onNetwork?: (name: 'text encoder' | 'UNet' | 'VAE decoder') => void): Promise<void> {
    onNetwork?.('text encoder');
    await this.#text.session();
    onNetwork?.('UNet');
    await this.#unet.session();
    onNetwork?.('VAE decoder');
    await this.#decoder.session();
  }

  async dispose(): Promise<void> {
    const networks = [this.#text, this.#unet, this.#decoder, this.#encoder];
    await Promise.all(networks.map(async (network) => network?.dispose()));
  }
}

/** `values` as often as there are pictures in a batch. */
function repeated(values: Float32Array, times: number): Float32Array {
  if (times === 1) return values;
  const all = new Float32Array(values.length * times);
  for (let index = 0; index < times; index += 1) all.set(values, index * values.length);
  return all;
}
