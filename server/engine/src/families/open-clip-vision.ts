import { EngineError } from '../errors.ts';
import { hasOpenClip, openClipVisionToTransformers } from '../naming/open-clip-names.ts';
import { clipVision, type ClipVisionModel, type ClipVisionOptions } from '../networks/clip-vision.ts';
import { isFolder } from '../weights/diffusers-folder.ts';
import { FolderFiles } from '../weights/folder-files.ts';
import { openFolderWeights } from '../weights/folder-weights.ts';
import { readJsonFile } from '../weights/json-file.ts';
import { openWeights } from '../weights/open-weights.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import { Weights } from '../weights/weights.ts';
import { LazyNetwork, type NetworkOptions } from './lazy-network.ts';

/**
 * Opens the vision tower of CLIP: a file in the layout of transformers or of OpenCLIP (also within a whole CLIP), or a folder
 * of transformers, whose configuration then says how many heads it has. It is loaded when first used.
 * @throws EngineError `model-not-found`, or `model-invalid` that says what the file is or lacks
 */
export async function openClipVision(
  path: string,
  options: NetworkOptions,
): Promise<LazyNetwork<ClipVisionModel>> {
  const { source, facts } = (await isFolder(path))
    ? await openFolder(path)
    : { source: await openWeights(path), facts: {} };
  return new LazyNetwork('image encoder', clipVision(locateVision(source), facts), [source], options);
}

interface Opened {
  readonly source: WeightSource;
  readonly facts: ClipVisionOptions;
}

async function openFolder(path: string): Promise<Opened> {
  const files = await FolderFiles.open(path);
  for (const folder of ['', 'image_encoder']) {
    const source = await openFolderWeights(files, folder);
    if (source === null) continue;
    return { source, facts: await readFacts(files, folder === '' ? '' : `${folder}/`) };
  }
  throw new EngineError('model-invalid', `"${files.name}" holds no weights of a vision tower.`, {
    hint: 'Choose the folder with its config.json and model.safetensors.',
  });
}

async function readFacts(files: FolderFiles, folder: string): Promise<ClipVisionOptions> {
  const inside = `${folder}config.json`;
  const path = await files.find(inside);
  if (path === null) return {};
  const whole = await readJsonFile(path, inside);
  const config = whole.object('vision_config') ?? whole; // of a whole CLIP
  const heads = config.number('num_attention_heads');
  const activation = config.text('hidden_act');
  const isCount = heads !== null && Number.isInteger(heads) && heads >= 1 && heads <= 1024;
  return {
    ...(isCount ? { heads } : {}),
    ...(activation === 'gelu' ? { activation } : {}),
    ...(activation === 'quick_gelu' ? { activation: 'quick-gelu' } : {}),
  };
}

/** Alone, and within a whole CLIP or a checkpoint that takes pictures. */
const OPEN_CLIP_PREFIXES = ['visual.', 'embedder.model.visual.', ''] as const;
const PREFIXES = ['', 'clip.', 'image_encoder.'] as const;

function locateVision(source: WeightSource): Weights {
  const end = 'vision_model.embeddings.patch_embedding.weight';
  const prefix = PREFIXES.find((before) => source.tensors.has(before + end));
  if (prefix !== undefined) return new Weights(source, prefix);
  const openClip = OPEN_CLIP_PREFIXES.find(
    (before) => hasOpenClip(source, before) && source.tensors.has(`${before}conv1.weight`),
  );
  if (openClip !== undefined) return new Weights(openClipVisionToTransformers(source, openClip));
  throw new EngineError('model-invalid', `"${source.name}" is not the vision tower of a CLIP.`, {
    hint: 'IP-Adapters come with one, called image_encoder; choose its file or folder.',
  });
}
