import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasOpenClip, openClipToTransformers } from '../../../engine/src/naming/open-clip-names.ts';
import { ldmToDiffusersUnet } from '../../../engine/src/naming/unet-names.ts';
import { ldmToDiffusersVae } from '../../../engine/src/naming/vae-names.ts';
import { safetensorsBytes } from '../../../engine/src/weights/safetensors-bytes.ts';
import { openSafetensors } from '../../../engine/src/weights/safetensors.ts';
import type { TensorInfo, WeightSource } from '../../../engine/src/weights/weight-source.ts';

type Tensors = ReadonlyMap<string, TensorInfo>;
export interface FolderOptions {
  /** Layers of the first text encoder; diffusers cuts off what SD 2.x does not use. */
  readonly textLayers?: number;
  /** Contents of files by their paths. */
  readonly configs: Readonly<Record<string, object>>;
}

/** Writes a checkpoint in LDM layout as diffusers would: the UNet in two shards, the VAE as a variant, without its 1x1. */
export async function writeDiffusersFolder(
  checkpoint: string,
  folder: string,
  { configs, textLayers = Infinity }: FolderOptions,
): Promise<void> {
  const source = await openSafetensors(checkpoint);
  for (const [inside, config] of Object.entries(configs)) write(folder, inside, JSON.stringify(config));
  const unet = [...renamed(source, 'model.diffusion_model.', ldmToDiffusersUnet)];
  const middle = unet.length >> 1;
  const shards = [unet.slice(0, middle), unet.slice(middle)].map((part) => new Map(part));
  const weightMap: Record<string, string> = {};
  shards.forEach((shard, index) => {
    const file = `diffusion_pytorch_model-0000${index + 1}-of-00002.safetensors`;
    for (const name of shard.keys()) weightMap[name] = file;
    write(folder, `unet/${file}`, bytesOf(shard));
  });
  const index = { metadata: {}, weight_map: weightMap };
  write(folder, 'unet/diffusion_pytorch_model.safetensors.index.json', JSON.stringify(index));
  const vae = renamed(source, 'first_stage_model.', ldmToDiffusersVae);
  for (const [name, tensor] of vae) {
    if (name.includes('.attentions.') && tensor.shape.length === 4) {
      vae.set(name, { ...tensor, shape: tensor.shape.slice(0, 2) });
    }
  }
  write(folder, 'vae/diffusion_pytorch_model.fp16.safetensors', bytesOf(vae));
  const prefixes = ['cond_stage_model.', 'conditioner.embedders.0.', 'conditioner.embedders.1.'];
  const texts = prefixes.map((prefix) => textOf(source, prefix)).filter(({ size }) => size > 0);
  texts.forEach((text, place) => {
    const kept = new Map(
      [...text].filter(([name]) => Number(/\.layers\.(\d+)\./.exec(name)?.[1] ?? 0) < textLayers),
    );
    write(folder, `text_encoder${place === 0 ? '' : '_2'}/model.safetensors`, bytesOf(kept));
  });
}

function write(folder: string, inside: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, inside)), { recursive: true });
  writeFileSync(join(folder, inside), content);
}

function renamed(
  source: WeightSource,
  prefix: string,
  rename: (names: string[]) => Map<string, string>,
): Map<string, TensorInfo> {
  const names = [...source.tensors.keys()].filter((name) => name.startsWith(prefix));
  const map = rename(names.map((name) => name.slice(prefix.length)));
  return new Map([...map].map(([from, to]) => [to, source.tensors.get(prefix + from) as TensorInfo]));
}

function textOf(source: WeightSource, prefix: string): Tensors {
  if (hasOpenClip(source, `${prefix}model.`)) {
    const { tensors } = openClipToTransformers(source, `${prefix}model.`);
    return new Map(
      [...tensors].map(([name, tensor]) => [name === 'text_projection' ? `${name}.weight` : name, tensor]),
    );
  }
  const above = `${prefix}transformer.`;
  const names = [...source.tensors.keys()].filter((name) => name.startsWith(`${above}text_model.`));
  return new Map(names.map((name) => [name.slice(above.length), source.tensors.get(name) as TensorInfo]));
}

function bytesOf(tensors: Tensors): Uint8Array {
  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, tensor] of tensors) {
    const { file, dtype, shape, byteLength } = tensor;
    const stored = contentOf(file).subarray(tensor.offset, tensor.offset + byteLength);
    const isTurned = name === 'text_projection.weight';
    parts.push(isTurned ? transposed(stored, shape) : stored);
    header[name] = {
      dtype,
      shape: isTurned ? shape.toReversed() : shape,
      data_offsets: [offset, offset + byteLength],
    };
    offset += byteLength;
  }
  return safetensorsBytes({ header: JSON.stringify(header), data: Buffer.concat(parts) });
}

const contents = new Map<string, Buffer>();

/** Of a file that is read many times. */
function contentOf(file: string): Buffer {
  let content = contents.get(file);
  if (content === undefined) contents.set(file, (content = readFileSync(file)));
  return content;
}

function transposed(bytes: Uint8Array, [rows = 0, columns = 0]: readonly number[]): Uint8Array {
  const size = bytes.length / (rows * columns);
  const result = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const from = (row * columns + column) * size;
      result.set(bytes.subarray(from, from + size), (column * rows + row) * size);
    }
  }
  return result;
}
