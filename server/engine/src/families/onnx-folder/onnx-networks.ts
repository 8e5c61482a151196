import { EngineError } from '../../errors.ts';
import { openModelFile, type ModelFile } from '../../onnx/model-file/model-file.ts';
import type { Border } from '../../onnx/model-file/borders.ts';
import { isFolder } from '../../weights/diffusers-folder.ts';
import { FolderFiles } from '../../weights/folder-files.ts';

/** The networks of a ready-made ONNX model. */
export interface OnnxNetworks {
  readonly texts: readonly ModelFile[];
  readonly unet: ModelFile;
  readonly decoder: ModelFile;
  readonly encoder: ModelFile | null;
}

const UNET = 'unet/model.onnx';
/** What a UNet may take; the last two are SDXL's. */
export const UNET_INPUTS = [
  'sample',
  'timestep',
  'encoder_hidden_states',
  'text_embeds',
  'time_ids',
] as const;
const REQUIRED = 3;

/** True for a folder with a UNet where optimum and diffusers put it. */
export async function isOnnxFolder(path: string): Promise<boolean> {
  return (await isFolder(path)) && (await (await FolderFiles.open(path)).find(UNET)) !== null;
}

/**
 * Opens the networks of a folder as optimum and diffusers export them: `unet/model.onnx`, `vae_decoder/model.onnx`,
 * `vae_encoder/model.onnx` (which may be missing), `text_encoder/model.onnx`, `text_encoder_2/model.onnx` (SDXL).
 * @throws EngineError `model-invalid` that says what is missing, or what a network takes that is not known.
 */
export async function openOnnxNetworks(files: FolderFiles): Promise<OnnxNetworks> {
  const open = (part: string): Promise<ModelFile> => openModelFile(files, `${part}/model.onnx`);
  const openIfThere = async (part: string): Promise<ModelFile | null> =>
    (await files.find(`${part}/model.onnx`)) === null ? null : open(part);
  const texts = [await openIfThere('text_encoder'), await openIfThere('text_encoder_2')];
  const networks = {
    texts: texts.filter((text) => text !== null),
    unet: await open('unet'),
    decoder: await open('vae_decoder'),
    encoder: await openIfThere('vae_encoder'),
  };
  if (networks.texts.length === 0) await open('text_encoder'); // throws: it is missing
  const { inputs } = networks.unet;
  for (const name of UNET_INPUTS.slice(0, REQUIRED)) {
    if (!inputs.has(name)) throw unfit(files, `a UNet that does not take "${name}"`);
  }
  const strange = [...inputs.keys()].find((name) => !(UNET_INPUTS as readonly string[]).includes(name));
  if (strange !== undefined) throw unfit(files, `a UNet that takes "${strange.slice(0, 100)}"`);
  for (const text of networks.texts) {
    if (!text.inputs.has('input_ids') || text.inputs.size > 1) {
      throw unfit(files, 'a text encoder that takes other than "input_ids"');
    }
  }
  return networks;
}

/** The only input or output of a network, or the one that is named. */
export function soleOf(borders: ReadonlyMap<string, Border>, ...names: readonly string[]): Border {
  const [first] = borders.values();
  const named = names.map((name) => borders.get(name)).find((border) => border !== undefined);
  const border = named ?? (borders.size === 1 ? first : undefined);
  if (border !== undefined) return border;
  throw new EngineError(
    'model-invalid',
    `A network of the model has no ${names.map((name) => `"${name}"`).join(' or ')}.`,
    { hint: EXPORT_HINT },
  );
}

export function unfit(files: FolderFiles, what: string): EngineError {
  return new EngineError('model-invalid', `"${files.name}" has ${what}, which is not known.`, {
    hint: EXPORT_HINT,
  });
}

const EXPORT_HINT =
  'Models exported by optimum, or for OnnxStableDiffusionPipeline of diffusers, are supported.';
