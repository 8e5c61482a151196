import { openModelWeights, type ModelWeights } from '../weights/open-model-weights.ts';
import { readModelCard } from './card.ts';
import { checkpointNetworks } from './checkpoint-networks.ts';
import type { ModelCard } from './model-card.ts';
import { inspectOnnxFolder } from './onnx-folder/onnx-folder.ts';
import { isOnnxFolder } from './onnx-folder/onnx-networks.ts';
import { recognise } from './recognise.ts';

/**
 * Reads what a checkpoint is from its header: quick, without loading weights or the native runtime.
 * @throws EngineError `model-not-found`, or `model-invalid` that says what the file is or lacks.
 */
export async function inspectCheckpoint(path: string): Promise<ModelCard> {
  if (await isOnnxFolder(path)) return (await inspectOnnxFolder(path)).card;
  return inspectParts(await openModelWeights(path));
}

/** As `inspectCheckpoint`, for what is open. */
export function inspectParts({ source, config }: ModelWeights): ModelCard {
  const parts = recognise(source, { config });
  checkpointNetworks(parts); // names what a network lacks
  return readModelCard(source, parts);
}
