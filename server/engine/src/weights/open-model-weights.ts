import { isFolder, openDiffusersFolder } from './diffusers-folder.ts';
import type { FolderConfig } from './folder-config.ts';
import { openWeights } from './open-weights.ts';
import { renamedSource } from './renamed-source.ts';
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
  if (await isFolder(path)) return openDiffusersFolder(path);
  return { source: unwrapped(await openWeights(path)) };
}

/** What PyTorch's parallel training puts before every name. */
const WRAPPER = 'module.';

function unwrapped(source: WeightSource): WeightSource {
  const names = [...source.tensors.keys()];
  if (names.length === 0 || !names.every((name) => name.startsWith(WRAPPER))) return source;
  return renamedSource(source, new Map(names.map((name) => [name, name.slice(WRAPPER.length)])));
}
