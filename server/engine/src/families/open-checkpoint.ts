import { EngineError } from '../errors.ts';
import type { LoraUse } from '../patches/patch-networks.ts';
import { openModelWeights } from '../weights/open-model-weights.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import { CheckpointModel } from './checkpoint-model.ts';
import type { ImagePrompt } from './control-models.ts';
import type { NetworkOptions } from './lazy-network.ts';
import type { DiffusionModel } from './diffusion-model.ts';
import { openOnnxFolder } from './onnx-folder/onnx-folder.ts';
import { isOnnxFolder } from './onnx-folder/onnx-networks.ts';
import { withHypernetworks, type HypernetworkUse } from './open-hypernetwork.ts';
import { readTraining, type Prediction } from './prediction.ts';
import { recognise, type Companions } from './recognise.ts';
import { withLoras } from './with-loras.ts';

export interface OpenOptions extends NetworkOptions {
  /** File, or folder in diffusers' layout, whose VAE is used instead of the checkpoint's own. */
  readonly vae?: string;
  /**
   * Whose text encoders are used if the file has none: a checkpoint, as a file or folder, or a text encoder alone; of SDXL,
   * which has two, both files.
   */
  readonly textEncoders?: string | readonly string[];
  /** What the UNet predicts, for files that do not say. */
  readonly prediction?: Prediction;
  /** The noise schedule ends in noise alone, for files that do not say. */
  readonly isZeroTerminal?: boolean;
  /** Built into the UNet, in order; what they say of pictures goes in with each evaluation. See `openImagePrompt`. */
  readonly imagePrompts?: readonly ImagePrompt[];
  /** Changes to the UNet and the text encoders, each acting on what those before it made; see `openLora`. */
  readonly loras?: readonly LoraUse[];
  /** Built into the UNet, each acting on what those before it made; see `openHypernetwork`. */
  readonly hypernetworks?: readonly HypernetworkUse[];
}

/**
 * Opens a checkpoint where it lies, a file or the folder of a diffusers or ONNX model; its networks are loaded when first used, or by
 * `load()`. Family and prediction type are found from what is in it and from a configuration beside it (`name.yaml`).
 * @throws EngineError `model-not-found`, or `model-invalid` that says what the file is or lacks.
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<DiffusionModel> {
  if (await isOnnxFolder(path)) return openOnnxFolder(path, withoutCompanions(options));
  const { source, config } = await openModelWeights(path);
  const found = await readTraining(source, config);
  const parts = recognise(source, { ...(await openCompanions(options)), config });
  const training = {
    prediction: options.prediction ?? found.prediction,
    noise: { ...found.noise, isZeroTerminal: options.isZeroTerminal ?? found.noise.isZeroTerminal },
  };
  const { parts: patched, applied: loras } = withLoras(parts, options.loras ?? []);
  const { attachments: before, applied: hypernetworks } = withHypernetworks(
    patched,
    options.hypernetworks ?? [],
  );
  const attachments = (options.imagePrompts ?? []).map((prompt, index) => ({
    source: prompt.source,
    hooks: prompt.hooks({ unet: patched.unet, index }),
  }));
  return CheckpointModel.open({ ...patched, attachments: [...before, ...attachments] }, training, options, {
    loras,
    hypernetworks,
  });
}

/** @throws EngineError `invalid-request` if something is to be put into graphs that are ready-made. */
function withoutCompanions(options: OpenOptions): OpenOptions {
  const { vae, textEncoders, loras = [], hypernetworks = [], imagePrompts = [] } = options;
  const changes = loras.length + hypernetworks.length + imagePrompts.length;
  if (vae === undefined && textEncoders === undefined && changes === 0) return options;
  throw new EngineError(
    'invalid-request',
    'A ready-made ONNX model takes no LoRA or hypernetwork, no picture as a prompt, and no other VAE or text encoder.',
    {
      hint: 'Use the model as a checkpoint or a diffusers folder.',
    },
  );
}

async function openCompanions({ vae, textEncoders }: OpenOptions): Promise<Companions> {
  const sourceOf = async (path: string): Promise<WeightSource> => (await openModelWeights(path)).source;
  const text = typeof textEncoders === 'string' ? [textEncoders] : textEncoders;
  return {
    ...(vae === undefined ? {} : { vae: await sourceOf(vae) }),
    ...(text === undefined ? {} : { text: await Promise.all(text.map(sourceOf)) }),
  };
}
