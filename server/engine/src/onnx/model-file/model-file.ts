import { dirname } from 'node:path';
import { compositeSource } from '../../weights/composite-source.ts';
import { openFile } from '../../weights/file-source.ts';
import type { FolderFiles } from '../../weights/folder-files.ts';
import { FormatError, invalidFile } from '../../weights/format-error.ts';
import type { WeightSource } from '../../weights/weight-source.ts';
import type { OnnxModel } from '../graph.ts';
import { describeWeights, openingBytes } from '../initializers.ts';
import { ProtobufWriter } from '../protobuf.ts';
import { borders, type Border } from './borders.ts';
import { wholeWeight, type Initializer } from './initializer.ts';
import { ProtobufReader, type Range } from './protobuf-reader.ts';
import { readGraph, type ModelParts } from './read-graph.ts';

/** A network that came as an ONNX file, ready to open as a session. */
export interface ModelFile {
  readonly model: OnnxModel;
  /** What it takes and gives, by the names in the file. */
  readonly inputs: ReadonlyMap<string, Border>;
  readonly outputs: ReadonlyMap<string, Border>;
  /** Number of values in its weights. */
  readonly parameters: number;
  /** The files that it is made of. */
  readonly source: WeightSource;
}

const KIND = 'ONNX model';
/** A graph without its weights; a UNet's has 2 MB. */
const MAX_GRAPH_BYTES = 256 * 1024 * 1024;
const MAX_FILES = 1000;
/** Fields of `ModelProto`. */
const MODEL = { DOC: 6, GRAPH: 7 } as const;

/**
 * Opens an ONNX file of a model's folder. Its weights stay where they lie, in the file itself or beside it: the graph is
 * written anew with references to them, so a file of gigabytes is neither read nor parsed, and where weights may be is
 * decided here, not by what the file says. At its borders there are only float32 and int32: casts are added for the rest.
 * @param inside path of the file from the model's folder
 * @throws EngineError `model-not-found`; `model-invalid` if it is damaged, or names a file outside of the folder.
 */
export async function openModelFile(files: FolderFiles, inside: string): Promise<ModelFile> {
  const path = await files.require(inside);
  let parsed: Parsed | null = null;
  const own = await openFile(path, KIND, ({ handle, sizeBytes }) => {
    const reader = new ProtobufReader(handle.fd, sizeBytes);
    const parts = readGraph(reader);
    parsed = { parts, around: copies(reader, parts.around), inside: copies(reader, parts.inside) };
    return Promise.resolve({ tensors: new Map(), metadata: new Map() });
  });
  const { parts, around, inside: graph } = parsed as unknown as Parsed; // set by what was awaited
  const others = await openOthers(files, dirname(inside), parts.initializers);
  try {
    const weights = parts.initializers.map((initializer) =>
      wholeWeight(initializer, initializer.location === null ? own : others.get(initializer.location)!),
    );
    const border = borders(parts);
    const whole = new ProtobufWriter().append(border.before).raw(graph).append(border.after);
    const model = new ProtobufWriter()
      .raw(around)
      .string(MODEL.DOC, describeWeights(weights))
      .message(MODEL.GRAPH, whole);
    return {
      model: {
        bytes: model.finish(),
        weights,
        operatorCount: parts.nodes,
        weightBytes: 4 * parts.parameters,
        openingBytes: openingBytes(weights),
        liveNumbers: [],
      },
      inputs: border.inputs,
      outputs: border.outputs,
      parameters: parts.parameters,
      source: compositeSource(own, [own, ...others.values()]),
    };
  } catch (error) {
    if (error instanceof FormatError) throw invalidFile(path, KIND, error);
    throw error;
  }
}

interface Parsed {
  readonly parts: ModelParts;
  readonly around: Uint8Array;
  readonly inside: Uint8Array;
}

/** The bytes of all ranges, one after the other; neighbours are read together. */
function copies(reader: ProtobufReader, ranges: readonly Range[]): Uint8Array {
  const runs: Range[] = [];
  let total = 0;
  for (const { start, end } of ranges) {
    const last = runs.at(-1);
    if (last?.end === start) runs[runs.length - 1] = { start: last.start, end };
    else runs.push({ start, end });
    total += end - start;
    if (total > MAX_GRAPH_BYTES) throw new FormatError(`its graph has more than ${MAX_GRAPH_BYTES} bytes`);
  }
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const run of runs) {
    bytes.set(reader.bytes(run), at);
    at += run.end - run.start;
  }
  return bytes;
}

/** The files beside the model's that it names, each of them inside the model's folder. */
async function openOthers(
  files: FolderFiles,
  folder: string,
  initializers: readonly Initializer[],
): Promise<Map<string, WeightSource>> {
  const others = new Map<string, WeightSource>();
  for (const { location } of initializers) {
    if (location === null || others.has(location)) continue;
    if (others.size >= MAX_FILES)
      throw invalidFile(files.path, KIND, new FormatError('it names too many files'));
    const path = await files.require(folder === '.' ? location : `${folder}/${location}`);
    const nothing = { tensors: new Map(), metadata: new Map() };
    others.set(
      location,
      await openFile(path, `file of weights of an ${KIND}`, () => Promise.resolve(nothing)),
    );
  }
  return others;
}
