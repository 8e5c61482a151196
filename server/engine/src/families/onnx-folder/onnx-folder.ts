import type { Latents } from '../../diffusion/latents.ts';
import { EngineError } from '../../errors.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import type { ModelFile } from '../../onnx/model-file/model-file.ts';
import { SessionCache } from '../../onnx/session-cache.ts';
import { FolderFiles } from '../../weights/folder-files.ts';
import type {
  DiffusionModel,
  Guides,
  LatentToRgb,
  NoiseFacts,
  PixelPlanes,
  TextConditioning,
} from '../diffusion-model.ts';
import type { EmbeddingFix } from '../embedding.ts';
import { FAMILIES, type UnetTask } from '../family-facts.ts';
import { readLatentToRgb } from '../latent-rgb.ts';
import { LazyNetwork, loadAll, type NetworkOptions } from '../lazy-network.ts';
import type { ModelCard } from '../model-card.ts';
import { trainingOf, type Prediction } from '../prediction.ts';
import { TextEncoder } from '../text-encoder.ts';
import { readOnnxFacts, type OnnxFacts } from './onnx-facts.ts';
import { openOnnxNetworks, type OnnxNetworks } from './onnx-networks.ts';
import { OnnxText } from './onnx-text.ts';
import { runOnnxUnet } from './onnx-unet.ts';
import { decodeOnnx, encodeOnnx, type OnnxHalf } from './onnx-vae.ts';

export interface OnnxFolderOptions extends NetworkOptions {
  readonly prediction?: Prediction;
  readonly isZeroTerminal?: boolean;
}

/**
 * Opens a model that was exported to ONNX, a folder as optimum and diffusers write it. It draws as a checkpoint does, but
 * what its graphs do cannot be changed: no LoRA, ControlNet or other VAE.
 * @throws EngineError `model-not-found`, or `model-invalid` that says what is missing or not known.
 */
export async function openOnnxFolder(path: string, options: OnnxFolderOptions = {}): Promise<DiffusionModel> {
  const files = await FolderFiles.open(path);
  const networks = await openOnnxNetworks(files);
  return new OnnxFolderModel(networks, await readOnnxFacts(files, networks), options);
}

/** What a ready-made ONNX model is, read without its weights. */
export async function inspectOnnxFolder(path: string): Promise<{ card: ModelCard; sizeBytes: number }> {
  const files = await FolderFiles.open(path);
  const networks = await openOnnxNetworks(files);
  const { texts, unet, decoder, encoder } = networks;
  const all = [...texts, unet, decoder, ...(encoder === null ? [] : [encoder])];
  return {
    card: cardOf(networks, await readOnnxFacts(files, networks)),
    sizeBytes: all.reduce((sum, { source }) => sum + source.sizeBytes, 0),
  };
}

class OnnxFolderModel implements DiffusionModel {
  readonly card: ModelCard;
  readonly task: UnetTask;
  readonly prediction: Prediction;
  readonly noise: NoiseFacts;
  readonly latentChannels: number;
  readonly latentScale: number;
  readonly factor: number;
  readonly latentToRgb: LatentToRgb;
  readonly loras = [];
  readonly hypernetworks = [];
  /** Its text encoders take ids of tokens alone. */
  readonly textWidths = [];
  readonly #facts: OnnxFacts;
  readonly #text: TextEncoder<OnnxText>;
  readonly #unet: OnnxHalf;
  readonly #decoder: OnnxHalf;
  readonly #encoder: OnnxHalf | null;
  readonly #ownCache: SessionCache | null;

  constructor(networks: OnnxNetworks, facts: OnnxFacts, options: OnnxFolderOptions) {
    const { family, config, paddings } = facts;
    const { prediction, noise } = trainingOf(config);
    this.#ownCache = options.cache === undefined ? new SessionCache() : null;
    const cache = options.cache ?? this.#ownCache ?? new SessionCache();
    const lazy = (name: string, { model, source }: ModelFile): LazyNetwork<OnnxModel> =>
      new LazyNetwork(name, model, [source], { ...options, cache });
    const half = (name: string, file: ModelFile): OnnxHalf => ({ network: lazy(name, file), file });
    this.#facts = facts;
    this.card = cardOf(networks, facts);
    this.task = facts.task;
    this.prediction = options.prediction ?? prediction ?? 'epsilon';
    this.noise = { ...noise, isZeroTerminal: options.isZeroTerminal ?? noise.isZeroTerminal };
    this.latentChannels = facts.latentChannels;
    this.latentScale = config.latentScale ?? FAMILIES[family].latentScale;
    this.factor = facts.factor;
    this.latentToRgb = readLatentToRgb(undefined, facts.latentChannels, family);
    const isPenultimate = family === 'sdxl' || family === 'sdxl-refiner';
    this.#text = new TextEncoder(
      networks.texts.map((file, index) => {
        const name = index === 0 ? 'text encoder' : `text encoder ${index + 1}`;
        return new OnnxText(lazy(name, file), file, { padding: paddings[index] ?? null, isPenultimate });
      }),
    );
    this.#unet = half('UNet', networks.unet);
    this.#decoder = half('VAE decoder', networks.decoder);
    this.#encoder = networks.encoder && half('VAE encoder', networks.encoder);
  }

  encodeText(
    tokenIds: Int32Array,
    clipSkip = 1,
    fixes: readonly EmbeddingFix[] = [],
  ): Promise<TextConditioning> {
    return this.#text.encode(tokenIds, clipSkip, fixes);
  }

  async predict(
    x: Latents,
    timestep: number,
    context: TextConditioning,
    guides: Guides = {},
  ): Promise<Latents> {
    const { network, file } = this.#unet;
    this.#requireSides(x);
    await this.#reserve(network, x, this.#facts.unetBytes);
    return runOnnxUnet(network, file, { x, timestep, context, guides, factor: this.factor });
  }

  async decode(latents: Latents): Promise<PixelPlanes> {
    if (latents.dims[0] !== 1 || latents.dims[1] !== this.latentChannels) {
      throw new RangeError(`Expected latents of one picture but received dims ${latents.dims.join(', ')}.`);
    }
    await this.#reserve(this.#decoder.network, latents, this.#facts.decoderBytes);
    const data = latents.data.map((value) => value / this.latentScale);
    return decodeOnnx(this.#decoder, { data, dims: latents.dims });
  }

  encodeImage(pixels: PixelPlanes): Promise<{ mean: Latents; logvar: Latents }> {
    return encodeOnnx(this.#encoder, pixels, this);
  }

  async load(onNetwork?: (name: string) => void, signal?: AbortSignal): Promise<void> {
    const texts = this.#text.towers.map(({ network }) => network);
    await loadAll([...texts, this.#unet.network, this.#decoder.network], onNetwork, signal);
  }

  async dispose(): Promise<void> {
    const halves = [this.#unet, this.#decoder, this.#encoder];
    const networks = [...this.#text.towers, ...halves.filter((half) => half !== null)];
    await Promise.all(networks.map(({ network }) => network.dispose()));
    await this.#ownCache?.dispose();
  }

  #requireSides({ dims: [, , height, width] }: Latents): void {
    const { multiple } = this.#facts;
    if (height % multiple === 0 && width % multiple === 0) return;
    const pixels = multiple * this.factor;
    throw new EngineError(
      'invalid-request',
      `A ready-made ONNX model cannot draw ${width * this.factor}x${height * this.factor} pixels.`,
      { hint: `Choose sides that are multiples of ${pixels}.` },
    );
  }

  #reserve(
    network: LazyNetwork<OnnxModel>,
    { dims: [batch, , height, width] }: Latents,
    bytes: (area: number) => number,
  ): Promise<void> {
    const purpose = `draw ${width * this.factor}x${height * this.factor} pixels`;
    return network.reserve(purpose, batch * bytes(height * width));
  }
}

function cardOf({ texts, unet, decoder, encoder }: OnnxNetworks, { family, task }: OnnxFacts): ModelCard {
  return {
    family,
    task,
    title: null,
    description: null,
    usageHint: null,
    licence: null,
    samplePrompts: [],
    defaults: {},
    parameters: {
      textEncoder: texts.reduce((sum, { parameters }) => sum + parameters, 0),
      unet: unet.parameters,
      vae: decoder.parameters + (encoder?.parameters ?? 0),
    },
  };
}
