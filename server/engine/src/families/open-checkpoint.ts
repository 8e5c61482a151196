import { openSafetensors } from '../weights/safetensors.ts';
import { CheckpointModel } from './checkpoint-model.ts';
import type { DiffusionModel } from './diffusion-model.ts';
import { readTraining, type Prediction } from './prediction.ts';
import { recognise, type Companions } from './recognise.ts';

export interface OpenOptions {
  /** Threads for the networks; default: one for each physical core, or as many as the quota of a container allows. */
  readonly threads?: number;
  /** File whose VAE is used instead of the checkpoint's own. */
  readonly vae?: string;
  /** Checkpoint whose text encoders are used if the file has none. */
  readonly textEncoders?: string;
  /** What the UNet predicts, for files that do not say. */
  readonly prediction?: Prediction;
  /** The noise schedule ends in noise alone, for files that do not say. */
  readonly isZeroTerminal?: boolean;
}

/**
 * Opens a checkpoint where it lies; its networks are loaded when first used, or by `load()`. Family and prediction type are
 * found from what is in the file and from a configuration beside it (`name.yaml`).
 * @throws EngineError `model-not-found`, or `model-invalid` that says what the file is or lacks.
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<DiffusionModel> {
  const source = await openSafetensors(path);
  const parts = recognise(source, await openCompanions(options));
  const found = await readTraining(source);
  const training = {
    prediction: options.prediction ?? found.prediction,
    noise: { ...found.noise, isZeroTerminal: options.isZeroTerminal ?? found.noise.isZeroTerminal },
  };
  return CheckpointModel.open(parts, training, options);
}

async function openCompanions({ vae, textEncoders }: OpenOptions): Promise<Companions> {
  return {
    ...(vae === undefined ? {} : { vae: await openSafetensors(vae) }),
    ...(textEncoders === undefined ? {} : { text: await openSafetensors(textEncoders) }),
  };
}
