import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { openTaesd } from '../../../engine/src/families/open-taesd.ts';
import { ggufBytes, type Tensor } from '../../../engine/src/weights/gguf/gguf-bytes.ts';
import { openWeights } from '../../../engine/src/weights/open-weights.ts';
import { dict, pickleBytes, tensor, text } from '../../../engine/src/weights/pickle/pickle-bytes.ts';
import { tensorBytes } from '../../../engine/src/weights/tensor-bytes.ts';
import { zipBytes, type Entry } from '../../../engine/src/weights/torch/zip-bytes.ts';
import { writeCheckpoints } from '../../fixtures/networks/write-checkpoints.mjs';
import { goldenPath, hasGoldens } from '../diffusion/goldens.ts';
import { Comparison, fixture, golden } from '../report/measure.ts';

const SAFETENSORS = 'the same weights as safetensors';
const compared = (feature: string): Comparison =>
  new Comparison('Weight files', `UNet, weights ${feature}`, fixture(SAFETENSORS));

let folder: string;
/** The tensors of a checkpoint in fp16: name, shape, bytes. */
let stored: { name: string; shape: readonly number[]; bytes: Uint8Array }[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-same-'));
  await writeCheckpoints(folder, { levels: 'F16', linear: 'F16', taesd: 'F16' });
  const source = await openWeights(join(folder, 'linear.safetensors'));
  stored = [];
  for (const info of source.tensors.values()) {
    stored.push({ name: info.name, shape: info.shape, bytes: await tensorBytes(info) });
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What the UNet and the text encoder make of something, number for number. */
async function answer(path: string): Promise<number[]> {
  const model = await openCheckpoint(path, { threads: 1 });
  const sample = Float32Array.from({ length: 4 * 16 * 16 }, (_, index) => Math.sin(index));
  const context = Float32Array.from({ length: 77 * 32 }, (_, index) => Math.cos(index));
  const { data } = await model.predict({ data: sample, dims: [1, 4, 16, 16] }, 321, {
    data: context,
    dims: [1, 77, 32],
  });
  await model.dispose();
  return [...data];
}

/** Swaps the last two axes of fp16 values. */
function transposed(bytes: Uint8Array, rows: number, columns: number): Uint8Array {
  const from = new Uint16Array(Uint8Array.from(bytes).buffer);
  const to = from.map((_, index) => from[(index % rows) * columns + Math.floor(index / rows)] ?? 0);
  return new Uint8Array(to.buffer);
}

function torchBytes(isTransposed: boolean): Uint8Array {
  const storages: Entry[] = [];
  const items = stored.flatMap(({ name, shape, bytes }, key) => {
    const [rows = 0, columns = 0] = shape;
    const isTurned = isTransposed && shape.length === 2 && rows > 1 && columns > 1;
    const data = isTurned ? transposed(bytes, rows, columns) : bytes;
    storages.push({ name: `archive/data/${key}`, data });
    const strides = shape.map((_, axis) =>
      shape.slice(axis + 1).reduce((product, size) => product * size, 1),
    );
    const layout = { shape: [...shape], strides: isTurned ? [1, rows] : strides, type: 'HalfStorage' };
    return [text(name), tensor(String(key), bytes.length / 2, layout)];
  });
  const pickle = pickleBytes(dict(text('state_dict'), dict(...items), text('global_step'), text('1')));
  return zipBytes([{ name: 'archive/data.pkl', data: pickle }, ...storages]);
}

function ggufOf(): Uint8Array {
  const tensors: Tensor[] = [];
  const data: Buffer[] = [];
  let offset = 0;
  for (const { name, shape, bytes } of stored) {
    tensors.push({ name, dims: [...shape].reverse(), type: 1, offset });
    const padding = (32 - (bytes.length % 32)) % 32;
    data.push(Buffer.from(bytes), Buffer.alloc(padding));
    offset += bytes.length + padding;
  }
  return ggufBytes(tensors, { data: Buffer.concat(data) });
}

describe('the same weights give the same numbers', () => {
  it.each<[string, () => Uint8Array]>([
    ['in a torch archive', () => torchBytes(false)],
    ['in a torch archive that has matrices transposed', () => torchBytes(true)],
    ['in a GGUF file', ggufOf],
  ])('%s', async (feature, bytes) => {
    const path = join(folder, 'same');
    writeFileSync(path, bytes());
    const numbers = await answer(path);
    compared(feature).exact(numbers, await answer(join(folder, 'linear.safetensors')));
    expect(new Set(numbers).size).toBeGreaterThan(500);
  });

  it.skipIf(!hasGoldens)('in the TAESD pickle of the references and its safetensors twin', async () => {
    const decode = async (name: string): Promise<number[]> => {
      const taesd = await openTaesd(goldenPath(`checkpoints/${name}`), undefined, { threads: 1 });
      const data = Float32Array.from({ length: taesd.latentChannels * 64 }, (_, index) => Math.sin(index));
      const { data: pixels } = await taesd.decode({ data, dims: [1, taesd.latentChannels, 8, 8] });
      await taesd.dispose();
      return [...pixels];
    };
    new Comparison('Weight files', 'TAESD in a torch archive', golden(SAFETENSORS)).exact(
      await decode('tiny-taesd_decoder.pth'),
      await decode('tiny-taesd_decoder.safetensors'),
    );
  });
});
