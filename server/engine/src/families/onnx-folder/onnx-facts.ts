import { EngineError } from '../../errors.ts';
import type { FolderConfig } from '../../weights/folder-config.ts';
import { readFolderConfig } from '../../weights/folder-config.ts';
import type { FolderFiles } from '../../weights/folder-files.ts';
import { JsonObject, readJsonFile } from '../../weights/json-file.ts';
import type { UnetTask } from '../family-facts.ts';
import { FAMILIES, type Family } from '../family-facts.ts';
import { unfit, type OnnxNetworks } from './onnx-networks.ts';

/** What the files beside the networks, and the networks' inputs, say of a ready-made ONNX model. */
export interface OnnxFacts {
  readonly config: FolderConfig;
  readonly family: Family;
  readonly task: UnetTask;
  readonly latentChannels: number;
  /** Pixels along the side of one latent. */
  readonly factor: number;
  /** Sides of latents must be multiples of this: an exported UNet doubles what it halved, whatever was rounded. */
  readonly multiple: number;
  /** For each text encoder, the token that fills a chunk up; null: the end token. */
  readonly paddings: readonly (number | null)[];
  /** Memory that a run takes for so many latent pixels, in bytes. */
  readonly unetBytes: (area: number) => number;
  readonly decoderBytes: (area: number) => number;
}

const TASKS: Readonly<Record<number, UnetTask>> = { 4: 'text', 5: 'depth', 8: 'instruct', 9: 'inpaint' };
/** Of SD 1.x, where no configuration says. */
const UNET_CHANNELS = [320, 640, 1280, 1280];
const VAE_CHANNELS = [128, 256, 512, 512];
const HEADS = 8;
/** Token that SD 2.x and the second encoder of SDXL pad with, "!". */
const EXCLAMATION = 0;

export async function readOnnxFacts(files: FolderFiles, networks: OnnxNetworks): Promise<OnnxFacts> {
  const config = await readFolderConfig(files);
  const unet = await read(files, 'unet/config.json');
  const vae = await read(files, 'vae_decoder/config.json');
  const family = familyOf(networks, config);
  const latentChannels = vae.number('latent_channels') ?? 4;
  const inChannels = unet.number('in_channels') ?? networks.unet.inputs.get('sample')?.dims[1] ?? 4;
  const task = TASKS[inChannels];
  if (task === undefined || latentChannels !== 4) {
    throw unfit(files, `a UNet with ${inChannels} input channels for latents with ${latentChannels}`);
  }
  const paddings = await Promise.all(
    networks.texts.map((_, index) => paddingOf(files, index, networks, family)),
  );
  const vaeChannels = vae.numbers('block_out_channels') ?? VAE_CHANNELS;
  if (vaeChannels.length > 8) throw unfit(files, `a VAE of ${vaeChannels.length} levels`);
  const factor = 2 ** (vaeChannels.length - 1);
  const [baseChannels = 0, ...coarser] = unet.numbers('block_out_channels') ?? UNET_CHANNELS;
  if (coarser.length > 8) throw unfit(files, `a UNet of ${coarser.length + 1} levels`);
  const heads = config.heads !== null && 'heads' in config.heads ? config.heads.heads : HEADS;
  // SDXL has no attention on the first level.
  const coarse = family === 'sdxl' || family === 'sdxl-refiner' ? 4 : 1;
  return {
    config,
    family,
    task,
    latentChannels,
    factor,
    multiple: 2 ** coarser.length,
    paddings,
    // Exported attention stores all products of pixels with pixels, and its softmax; then the planes as in our own networks.
    unetBytes: (area) => 4 * (20 * baseChannels * area + 2 * heads * (area / coarse) ** 2),
    decoderBytes: (area) => 4 * (4 * (vaeChannels[1] ?? 256) * factor ** 2 * area + 2 * area ** 2),
  };
}

function familyOf({ unet, texts }: OnnxNetworks, { activations }: FolderConfig): Family {
  const { inputs } = unet;
  if (inputs.has('time_ids') || inputs.has('text_embeds')) {
    return inputs.get('time_ids')?.dims[1] === 5 || texts.length === 1 ? 'sdxl-refiner' : 'sdxl';
  }
  const isSecond =
    inputs.get('encoder_hidden_states')?.dims[2] === FAMILIES.sd2.contextWidth || activations[0] === 'gelu';
  return isSecond ? 'sd2' : 'sd1';
}

/** The tokenizer's `pad_token`, which is text or an object with the text; else what is usual in the family. */
async function paddingOf(
  files: FolderFiles,
  index: number,
  { texts }: OnnxNetworks,
  family: Family,
): Promise<number | null> {
  const isSecond = index === 1 || (family === 'sdxl-refiner' && texts.length === 1);
  const inside = `tokenizer${isSecond ? '_2' : ''}/tokenizer_config.json`;
  const tokenizer = await read(files, inside);
  const token = tokenizer.text('pad_token') ?? tokenizer.object('pad_token')?.text('content') ?? null;
  if (token !== null && token !== '!' && token !== '<|endoftext|>') {
    throw new EngineError('model-invalid', `"${inside}" pads with ${JSON.stringify(token.slice(0, 100))}.`, {
      hint: 'The tokenizer of CLIP is supported, which pads with "!" or with the end of the text.',
    });
  }
  const isUsual = family === 'sd2' || isSecond;
  return (token === null ? isUsual : token === '!') ? EXCLAMATION : null;
}

async function read(files: FolderFiles, inside: string): Promise<JsonObject> {
  const path = await files.find(inside);
  return path === null ? new JsonObject() : readJsonFile(path, inside);
}
