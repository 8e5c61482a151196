import { openModelWeights } from '../weights/open-model-weights.ts';
import { CheckpointModel } from './checkpoint-model.ts';
import type { NetworkOptions } from './lazy-network.ts';
import type { DiffusionModel } from './diffusion-model.ts';
import { readTraining, type Prediction } from './prediction.ts';
import { recognise, type Companions } from './recognise.ts';

export interface OpenOptions extends NetworkOptions {
  /** File, or folder in diffusers' layout, whose VAE is used instead of the checkpoint's own. */
  readonly vae?: string;
  /** Checkpoint, as a file or folder, whose text encoders are used if the file has none. */
  readonly textEncoders?: string;
  /** What the UNet predicts, for files that do not say. */
  readonly prediction?: Prediction;
  /** The noise schedule ends in noise alone, for files that do not say. */
  readonly isZeroTerminal?: boolean;
}

/**
 * Opens a checkpoint where it lies, a file or a folder in diffusers' layout; its networks are loaded when first used, or by
 * `load()`. Family and prediction type are found from what is in it and from a configuration beside it (`name.yaml`).
 * @throws EngineError `model-not-found`, or `model-invalid` that says what the file is or lacks.
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<DiffusionModel> {
  const { source, config } = await openModelWeights(path);
  const found = await readTraining(source, config);
  const recognised = recognise(source, await openCompanions(options));
  const parts = config === undefined ? recognised : { ...recognised, config };
  const training = {
    prediction: options.prediction ?? found.prediction,
    noise: { ...found.noise, isZeroTerminal: options.isZeroTerminal ?? found.noise.isZeroTerminal },
  };
  return CheckpointModel.open(parts, training, options);
}

async function openCompanions({ vae, textEncoders }: OpenOptions): Promise<Companions> {
  return {
    ...(vae === undefined ? {} : { vae: (await openModelWeights(vae)).source }),
    ...(textEncoders === undefined ? {} : { text: (await openModelWeights(textEncoders)).source }),
  };
}
