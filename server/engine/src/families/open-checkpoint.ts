import { openSafetensors } from '../weights/safetensors.ts';
import type { DiffusionModel } from './diffusion-model.ts';
import { recognise } from './recognise.ts';
import { openSd1 } from './sd1.ts';

export interface OpenOptions {
  /** Threads for the networks; default: one for each physical core, or as many as the quota of a container allows. */
  readonly threads?: number;
}

/**
 * Opens a checkpoint where it lies; its networks are loaded when first used, or by `load()`.
 * @throws EngineError `model-not-found`, or `model-invalid` that says what the file is or lacks.
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<DiffusionModel> {
  const source = await openSafetensors(path);
  return openSd1(source, recognise(source), options);
}
