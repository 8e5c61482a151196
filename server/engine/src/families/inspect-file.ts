import { openModelWeights } from '../weights/open-model-weights.ts';
import type { Family } from './family-facts.ts';
import { familyOfFile } from './file-family.ts';
import { kindOf, type FileKind } from './file-kind.ts';
import { inspectParts } from './inspect-checkpoint.ts';
import type { ModelCard } from './model-card.ts';
import { inspectOnnxFolder } from './onnx-folder/onnx-folder.ts';
import { isOnnxFolder } from './onnx-folder/onnx-networks.ts';
import { lacking, survey } from './recognise.ts';

/** What a file of weights is. */
export interface InspectedFile {
  readonly kind: FileKind;
  /** What it fits, where names and shapes tell: those of VAEs, upscalers and encoders do not. */
  readonly family: Family | null;
  readonly sizeBytes: number;
  /** Of a checkpoint that is whole. */
  readonly card: ModelCard | null;
  /** Networks that a checkpoint does not have, which `openCheckpoint` can take from other files: "text encoder", "VAE". */
  readonly lacks: readonly string[];
}

/**
 * Reads from its table of contents what a file, or the folder of a diffusers or ONNX model, is: quick, and without the native runtime.
 * @throws EngineError `model-not-found`; `model-invalid` that says what is wrong with it
 */
export async function inspectFile(path: string): Promise<InspectedFile> {
  if (await isOnnxFolder(path)) {
    const { card, sizeBytes } = await inspectOnnxFolder(path);
    return { kind: 'checkpoint', family: card.family, sizeBytes, card, lacks: [] };
  }
  const weights = await openModelWeights(path);
  const { source, config } = weights;
  const { sizeBytes } = source;
  const { kind } = kindOf(source);
  if (kind !== 'checkpoint') {
    return { kind, family: await familyOfFile(source, kind), sizeBytes, card: null, lacks: [] };
  }
  const parts = survey(source, { config });
  const lacks = lacking(parts);
  return {
    kind,
    family: parts.family,
    sizeBytes,
    card: lacks.length > 0 ? null : inspectParts(weights),
    lacks,
  };
}
