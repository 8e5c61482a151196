import { parse } from 'node:path';
import { tensorBytes } from '../weights/tensor-bytes.ts';
import type { MadeBytes, TensorInfo } from '../weights/weight-source.ts';
import { ProtobufWriter } from './protobuf.ts';

/** A weight of a graph: some rows of a tensor, or all of it, under dims of the graph's choice. */
export interface WeightUse {
  /** In the graph. */
  readonly name: string;
  readonly tensor: TensorInfo;
  /** Number of onnx.proto's `TensorProto.DataType`. */
  readonly element: number;
  readonly dims: readonly number[];
  /** Of the tensor's bytes: where the part begins, and how long it is. */
  readonly from: number;
  readonly length: number;
}

/** What a session is created with, besides the operators. */
export interface PlacedWeights {
  /** Fields of a `ModelProto`: ONNX Runtime reads them as if they stood in the model. */
  readonly bytes: Uint8Array;
  /** The folder that files of weights are named from: the root of their file system. */
  readonly root: string;
  /** Bytes of the weights that are not in files, by the location that `bytes` gives them. */
  readonly inMemory: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** Fields of `ModelProto`, `GraphProto` and `TensorProto`. */
const FIELD = {
  graph: 7,
  initializer: 5,
  dims: 1,
  element: 2,
  name: 8,
  raw: 9,
  external: 13,
  location: 14,
} as const;
const EXTERNAL = 1;

/**
 * Made weights up to this many bytes are put into the model itself and leave the others mapped from their files. ONNX Runtime
 * cannot have some weights in files and others in memory; so beyond this, where the copies would weigh too much (and a
 * model may not reach 2 GiB), all weights come from memory.
 */
const MAX_IN_MODEL = 64 * 1024 * 1024;

/**
 * Memory that is taken only while a session with these weights opens, in bytes, at most. Measured with weights of 600 MB: six
 * times those in the model; all weights twice where they come from memory, once here and once in ONNX Runtime.
 */
export function openingBytes(weights: readonly WeightUse[]): number {
  return areMapped(weights) ? 6 * madeBytes(weights) : 2 * sumOf(weights);
}

/** A line for each weight that says what it is, so that graphs of different weights differ. */
export function describeWeights(weights: readonly WeightUse[]): string {
  const line = ({ name, tensor, from, length, element, dims }: WeightUse): string =>
    [name, element, dims.join(), length, tensor.offset + from, tensor.made?.key ?? '', tensor.file].join(
      ' | ',
    );
  return weights.map(line).join('\n');
}

/** @throws EngineError if a file cannot be read, or a weight cannot be made. */
export async function placeWeights(weights: readonly WeightUse[]): Promise<PlacedWeights> {
  const root = parse(weights[0]?.tensor.file ?? '/').root;
  const isMapped = areMapped(weights);
  const graph = new ProtobufWriter();
  const inMemory: { path: string; data: Uint8Array }[] = [];
  const reader = new PartReader();
  for (const weight of weights) {
    const { tensor, from, length } = weight;
    const message = new ProtobufWriter()
      .ints(FIELD.dims, weight.dims)
      .int(FIELD.element, weight.element)
      .string(FIELD.name, weight.name);
    if (isMapped && tensor.made === undefined) {
      external(message, { location: locationOf(tensor.file, root), offset: tensor.offset + from, length });
    } else if (isMapped) {
      message.bytes(FIELD.raw, await reader.read(weight));
    } else {
      inMemory.push({ path: weight.name, data: await reader.read(weight) });
      external(message, { location: weight.name, offset: 0, length });
    }
    graph.message(FIELD.initializer, message);
  }
  return { bytes: new ProtobufWriter().message(FIELD.graph, graph).finish(), root, inMemory };
}

/** Reads parts of tensors, and makes what must be made once for parts that come one after the other. */
class PartReader {
  #last: { made: MadeBytes; bytes: Promise<Uint8Array> } | null = null;

  async read({ tensor, from, length }: WeightUse): Promise<Uint8Array> {
    const { made } = tensor;
    const offset = tensor.offset + from;
    if (made === undefined) return tensorBytes({ ...tensor, offset, byteLength: length });
    if (this.#last?.made !== made) this.#last = { made, bytes: made.make() };
    return (await this.#last.bytes).subarray(offset, offset + length);
  }
}

/** Of the weights, those that must be made: each part of a tensor as far as it is used. */
function madeBytes(weights: readonly WeightUse[]): number {
  return sumOf(weights.filter(({ tensor }) => tensor.made !== undefined));
}

function sumOf(weights: readonly WeightUse[]): number {
  return weights.reduce((sum, { length }) => sum + length, 0);
}

/** True if weights that lie in files are used there: unless too many are made, or the files lie on several drives. */
function areMapped(weights: readonly WeightUse[]): boolean {
  const inFiles = weights.filter(({ tensor }) => tensor.made === undefined);
  const roots = new Set(inFiles.map(({ tensor }) => parse(tensor.file).root));
  return madeBytes(weights) <= MAX_IN_MODEL && roots.size <= 1;
}

/**
 * ONNX Runtime refuses absolute paths, `..` and links that leave its weights folder. With the root of the file system as
 * that folder, and real paths, files anywhere can be named. On Windows the root is a drive.
 */
function locationOf(file: string, root: string): string {
  const inside = file.slice(root.length);
  return root === '/' ? inside : inside.replaceAll('\\', '/');
}

function external(
  message: ProtobufWriter,
  place: { readonly location: string; readonly offset: number; readonly length: number },
): void {
  for (const [key, value] of Object.entries(place)) {
    message.message(FIELD.external, new ProtobufWriter().string(1, key).string(2, String(value)));
  }
  message.int(FIELD.location, EXTERNAL);
}
