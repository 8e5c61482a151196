import { isFolder, openDiffusersFolder } from './diffusers-folder.ts';
import type { FolderConfig } from './folder-config.ts';
import { openWeights } from './open-weights.ts';
import type { WeightSource } from './weight-source.ts';

/** The weights of a model, with what is said of it beside them in a folder. */
export interface ModelWeights {
  readonly source: WeightSource;
  readonly config?: FolderConfig;
}

/**
 * Opens a checkpoint: a file, or a folder in diffusers' layout.
 * @throws EngineError `model-not-found`, or `model-invalid` that says what is wrong with it.
 */
export async function openModelWeights(path: string): Promise<ModelWeights> {
  return (await isFolder(path)) ? openDiffusersFolder(path) : { source: await openWeights(path) };
}
