import { openModelWeights } from '../weights/open-model-weights.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import { FAMILIES, type Family } from './family-facts.ts';
import { kindOf, type FileKind } from './file-kind.ts';
import { inspectParts } from './inspect-checkpoint.ts';
import type { ModelCard } from './model-card.ts';
import { inspectOnnxFolder } from './onnx-folder/onnx-folder.ts';
import { isOnnxFolder } from './onnx-folder/onnx-networks.ts';

/** What a file of weights is. */
export interface InspectedFile {
  readonly kind: FileKind;
  /** What it fits, where its shapes tell: those of VAEs, upscalers and image encoders do not. */
  readonly family: Family | null;
  readonly sizeBytes: number;
  /** Of a checkpoint that is whole. */
  readonly card: ModelCard | null;
}

/**
 * Reads from its table of contents what a file, or the folder of a diffusers or ONNX model, is: quick, and without the native runtime.
 * @throws EngineError `model-not-found`; `model-invalid` that says what is wrong with it, or what a checkpoint lacks
 */
export async function inspectFile(path: string): Promise<InspectedFile> {
  if (await isOnnxFolder(path)) {
    const { card, sizeBytes } = await inspectOnnxFolder(path);
    return { kind: 'checkpoint', family: card.family, sizeBytes, card };
  }
  const weights = await openModelWeights(path);
  const { source } = weights;
  const { kind } = kindOf(source);
  const card = kind === 'checkpoint' ? inspectParts(weights) : null;
  return { kind, family: card?.family ?? familyOf(source), sizeBytes: source.sizeBytes, card };
}

/** By the width of the text that it works with. */
function familyOf({ tensors }: WeightSource): Family | null {
  for (const [name, { shape }] of tensors) {
    if (/lora_te2_|text_encoder_2\.|^clip_g$/.test(name)) return 'sdxl';
    if (/attn2[._]to_[kv]\.(?:lora_(?:down|A)\.)?weight$/.test(name)) return byWidth(shape[1]);
    if (name === 'emb_params' || name.startsWith('string_to_param.')) return byWidth(shape.at(-1));
  }
  return null;
}

function byWidth(width: number | undefined): Family | null {
  const families = Object.keys(FAMILIES) as Family[];
  return families.find((family) => FAMILIES[family].contextWidth === width) ?? null;
}
