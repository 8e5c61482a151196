import type { Latents } from '../diffusion/latents.ts';
import type { UnetModel } from '../networks/unet.ts';
import type { AppliedLora } from '../patches/patch-networks.ts';
import { readModelCard } from './card.ts';
import { checkpointNetworks } from './checkpoint-networks.ts';
import type {
  DiffusionModel,
  Guides,
  LatentToRgb,
  NoiseFacts,
  PixelPlanes,
  TextConditioning,
} from './diffusion-model.ts';
import type { EmbeddingFix } from './embedding.ts';
import { FAMILIES, type UnetTask } from './family-facts.ts';
import { readLatentToRgb } from './latent-rgb.ts';
import { LazyNetwork, loadAll, type NetworkOptions } from './lazy-network.ts';
import { SessionCache } from '../onnx/session-cache.ts';
import type { ModelCard } from './model-card.ts';
import type { AppliedHypernetwork } from './open-hypernetwork.ts';
import type { Prediction, TrainingFacts } from './prediction.ts';
import { probePrediction } from './probe-prediction.ts';
import type { CheckpointParts } from './recognise.ts';
import { TextEncoder } from './text-encoder.ts';
import { TextTower } from './text-tower.ts';
import { runUnet } from './unet-runner.ts';
import { VaeRunner } from './vae-runner.ts';

/** What a checkpoint was opened with. */
type Applied = Pick<DiffusionModel, 'loras' | 'hypernetworks'>;

/** A checkpoint of any family in the layout of the original code: text encoders, UNet, VAE. */
export class CheckpointModel implements DiffusionModel {
  readonly card: ModelCard;
  readonly task: UnetTask;
  readonly noise: NoiseFacts;
  readonly latentChannels: number;
  readonly latentScale: number;
  readonly factor: number;
  readonly latentToRgb: LatentToRgb;
  readonly prediction: Prediction;
  readonly #text: TextEncoder;
  readonly #unet: LazyNetwork<UnetModel>;
  readonly #vae: VaeRunner;
  /** Closed with the model, unless it is the caller's. */
  readonly #ownCache: SessionCache | null;

  readonly loras: readonly AppliedLora[];
  readonly hypernetworks: readonly AppliedHypernetwork[];

  private constructor(
    parts: CheckpointParts,
    training: TrainingFacts,
    options: NetworkOptions,
    applied: Applied,
  ) {
    const { family, towers, unet, vae, task } = parts;
    const networks = checkpointNetworks(parts);
    this.#ownCache = options.cache === undefined ? new SessionCache() : null;
    options = { ...options, ...(this.#ownCache && { cache: this.#ownCache }) };
    this.card = readModelCard(unet.source, parts);
    this.task = task;
    this.loras = applied.loras;
    this.hypernetworks = applied.hypernetworks;
    this.prediction = training.prediction ?? 'epsilon';
    this.noise = training.noise;
    this.latentScale = parts.config?.latentScale ?? FAMILIES[family].latentScale;
    this.latentChannels = networks.unet.outputChannels;
    this.factor = networks.decoder.factor;
    const ownMap = unet.source.metadata.get('atelier.latent_rgb');
    this.latentToRgb = readLatentToRgb(ownMap, this.latentChannels, family);
    this.#text = new TextEncoder(
      networks.towers.map((model, index) => {
        const { weights, use } = towers[index]!;
        const name = index === 0 ? 'text encoder' : `text encoder ${index + 1}`;
        return new TextTower(new LazyNetwork(name, model, [weights.source], options), use);
      }),
    );
    const attached = parts.attachments?.map(({ source }) => source) ?? [];
    const unetModel = { ...networks.unet, blocksChannels: options.optimise === 'drawing' };
    this.#unet = new LazyNetwork('UNet', unetModel, [unet.source, ...attached], options);
    this.#vae = new VaeRunner(networks.decoder, vae, this.latentScale, options);
  }

  /** Asks the UNet itself what it predicts where nothing else says (SD 2.x), which loads it. */
  static async open(
    parts: CheckpointParts,
    training: TrainingFacts,
    options: NetworkOptions,
    applied: Applied,
  ): Promise<CheckpointModel> {
    const model = new CheckpointModel(parts, training, options, applied);
    const isOpen = training.prediction === null && parts.family === 'sd2' && parts.task === 'text';
    if (!isOpen) return model;
    const prediction = await probePrediction((x, timestep, context) => model.predict(x, timestep, context), {
      channels: model.latentChannels,
      contextWidth: model.#unet.model.contextWidth,
    });
    return Object.assign(model, { prediction });
  }

  get textWidths(): readonly number[] {
    return this.#text.widths;
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
    await this.#reserve(x);
    return runUnet(this.#unet, { x, timestep, context, guides, factor: this.factor });
  }

  decode(latents: Latents): Promise<PixelPlanes> {
    return this.#vae.decode(latents);
  }

  encodeImage(pixels: PixelPlanes): Promise<{ mean: Latents; logvar: Latents }> {
    return this.#vae.encode(pixels);
  }

  /** Memory for a run on latents, so that what does not fit is refused with the numbers before it is tried. */
  #reserve({ dims: [batch, , height, width] }: Latents): Promise<void> {
    const purpose = `draw ${width * this.factor}x${height * this.factor} pixels`;
    return this.#unet.reserve(purpose, this.#unet.model.runBytesPerLatent * batch * height * width);
  }

  async load(onNetwork?: (name: string) => void, signal?: AbortSignal): Promise<void> {
    const towers = this.#text.towers.map(({ network }) => network);
    await loadAll([...towers, this.#unet, this.#vae.decoder], onNetwork, signal);
  }

  async dispose(): Promise<void> {
    const networks = [...this.#text.towers.map(({ network }) => network), this.#unet, this.#vae];
    await Promise.all(networks.map((network) => network.dispose()));
    await this.#ownCache?.dispose();
  }
}
