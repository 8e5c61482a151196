import { stat } from 'node:fs/promises';
import { EngineError } from '../errors.ts';
import { diffusersToOriginalAdapter } from '../naming/adapter-names.ts';
import { diffusersToLdmUnet } from '../naming/unet-names.ts';
import { diffusersToLdmVae } from '../naming/vae-names.ts';
import { compositeSource } from './composite-source.ts';
import { readFolderConfig, TEXT_ENCODERS, type FolderConfig } from './folder-config.ts';
import { FolderFiles } from './folder-files.ts';
import { openFolderWeights } from './folder-weights.ts';
import { renamedSource } from './renamed-source.ts';
import type { WeightSource } from './weight-source.ts';

/** A model in diffusers' layout, seen in the layout of the original code. */
export interface ModelFolder {
  /** `pipeline`: a whole model; else the folder of one network. What is `other` keeps its names. */
  readonly kind: 'pipeline' | 'unet' | 'vae' | 'controlnet' | 't2i-adapter' | 'other';
  readonly source: WeightSource;
  readonly config: FolderConfig;
}

const UNET = 'model.diffusion_model.';
const VAE = 'first_stage_model.';
const CONTROL = 'control_model.';

/** True if `path` is a folder; which kind of model it holds is then found by opening it. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}

/**
 * Opens a folder as diffusers saves models: `unet/`, `vae/`, `text_encoder/`, `text_encoder_2/` below it, or the files of a
 * single network in it. Nothing is converted or copied; the weights are shown under the names of the original code
 * (`model.diffusion_model.`, `first_stage_model.`, `control_model.`; a T2I-Adapter has no prefix). Text encoders keep the
 * names of transformers: below `cond_stage_model.transformer.`, or below `conditioner.embedders.0.transformer.` and
 * `….1.transformer.` for SDXL.
 * @throws EngineError `model-not-found`, or `model-invalid` that says what is wrong with which file.
 */
export async function openDiffusersFolder(path: string): Promise<ModelFolder> {
  const files = await FolderFiles.open(path);
  const config = await readFolderConfig(files);
  const single = await openFolderWeights(files, '');
  if (single !== null) return { ...oneNetwork(single), config };
  const sources = [
    await part(files, 'unet', (names) => withPrefix(UNET, diffusersToLdmUnet(names))),
    await part(files, 'vae', (names) => withPrefix(VAE, diffusersToLdmVae(names))),
    ...(await textEncoders(files)),
  ].filter((source) => source !== null);
  if (sources.length === 0) {
    throw new EngineError('model-invalid', `"${files.name}" holds no weights in diffusers' layout.`, {
      hint: 'Choose the folder with model_index.json in it, or the folder of one network with its config.json.',
    });
  }
  return { kind: 'pipeline', source: compositeSource(files, sources), config };
}

type Renaming = (names: readonly string[]) => Map<string, string>;

async function part(files: FolderFiles, folder: string, rename: Renaming): Promise<WeightSource | null> {
  const source = await openFolderWeights(files, folder);
  return source === null ? null : renamedSource(source, rename([...source.tensors.keys()]));
}

/** SDXL has two; its refiner has the second alone. */
async function textEncoders(files: FolderFiles): Promise<(WeightSource | null)[]> {
  const sources: WeightSource[] = [];
  let isSdxl = false;
  for (const folder of TEXT_ENCODERS) {
    const source = await openFolderWeights(files, folder);
    if (source === null) continue;
    isSdxl ||= folder !== TEXT_ENCODERS[0];
    sources.push(source);
  }
  return sources.map((source, index) => {
    const prefix = isSdxl ? `conditioner.embedders.${index}.transformer.` : 'cond_stage_model.transformer.';
    return renamedSource(source, withPrefix(prefix, textNames([...source.tensors.keys()])));
  });
}

/** Some versions of transformers leave `text_model.` out. */
function textNames(names: readonly string[]): Map<string, string> {
  const isShort = names.includes('embeddings.token_embedding.weight');
  return new Map(
    names.map((name) => [
      name,
      isShort && !name.startsWith('text_projection.') ? `text_model.${name}` : name,
    ]),
  );
}

function withPrefix(prefix: string, names: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...names].map(([from, to]) => [from, prefix + to]));
}

/** Told by names that only its kind has. */
function oneNetwork(source: WeightSource): Pick<ModelFolder, 'kind' | 'source'> {
  const names = [...source.tensors.keys()];
  const has = (name: string): boolean => source.tensors.has(name);
  if (has('controlnet_mid_block.weight')) {
    return {
      kind: 'controlnet',
      source: renamedSource(source, withPrefix(CONTROL, diffusersToLdmUnet(names))),
    };
  }
  if (has('time_embedding.linear_1.weight') && has('conv_in.weight')) {
    return { kind: 'unet', source: renamedSource(source, withPrefix(UNET, diffusersToLdmUnet(names))) };
  }
  if (has('decoder.conv_in.weight') || has('encoder.conv_in.weight')) {
    return { kind: 'vae', source: renamedSource(source, withPrefix(VAE, diffusersToLdmVae(names))) };
  }
  if (has('adapter.body.0.resnets.0.block1.weight')) {
    return { kind: 't2i-adapter', source: renamedSource(source, diffusersToOriginalAdapter(names)) };
  }
  return { kind: 'other', source };
}
