import { EngineError } from '../errors.ts';
import type { GraphBuilder, PatchedTensor, TensorPatch, Value } from '../onnx/graph.ts';
import { compositeSource } from '../weights/composite-source.ts';
import { viewOf } from '../weights/renamed-source.ts';
import { countOf, type TensorInfo, type WeightSource } from '../weights/weight-source.ts';
import { Weights } from '../weights/weights.ts';

/*
 * ControlNets that are stored as differences from a UNet: Stability's control-LoRAs (`lora_controlnet`: products of two small
 * matrices), and files with a tensor `difference` (whole differences). They act on whichever UNet they are opened over.
 */

export type ControlStorage = 'whole' | 'lora' | 'difference';

/** Told by the tensors that mark them. */
export function storageOf({ tensors }: WeightSource): ControlStorage {
  if (tensors.has('lora_controlnet')) return 'lora';
  return tensors.has('difference') ? 'difference' : 'whole';
}

/** The parts of a UNet that a ControlNet has too. */
const SHARED = ['input_blocks.', 'middle_block.', 'time_embed.', 'label_emb.'] as const;

/**
 * The whole ControlNet: the UNet's weights changed by the file's, and what the file alone has.
 * @param file in the layout of the original code
 * @throws EngineError `model-invalid` if the two do not fit
 */
export function overBase(file: Weights, base: Weights, storage: 'lora' | 'difference'): Weights {
  const own = below(file);
  const shared = new Map<string, TensorInfo>();
  for (const [name, tensor] of below(base)) {
    if (SHARED.some((part) => name.startsWith(part))) shared.set(name, tensor);
  }
  const sum = storage === 'lora' ? addProducts(shared, own, file) : addDifferences(shared, own, file);
  const { path, name } = file.source;
  return new Weights(
    compositeSource({ path, name }, [viewOf(base.source, sum), viewOf(file.source, remaining(own, sum))]),
  );
}

/** Tensors by their names without the prefix. */
function below({ source, prefix }: Weights): Map<string, TensorInfo> {
  const tensors = new Map<string, TensorInfo>();
  for (const [name, tensor] of source.tensors) {
    if (name.startsWith(prefix)) tensors.set(name.slice(prefix.length), tensor);
  }
  return tensors;
}

/** What is only in the file. */
function remaining(
  own: ReadonlyMap<string, TensorInfo>,
  sum: ReadonlyMap<string, TensorInfo>,
): Map<string, TensorInfo> {
  return new Map([...own].filter(([name]) => !sum.has(name) && !/\.(?:up|down)$/.test(name)));
}

/** `<module>.up` and `<module>.down` change the UNet's weight; whole tensors of the file take the place of the UNet's. */
function addProducts(
  shared: ReadonlyMap<string, TensorInfo>,
  own: ReadonlyMap<string, TensorInfo>,
  file: Weights,
): Map<string, TensorInfo> {
  const changed = new Map<string, TensorInfo>();
  for (const [name, tensor] of shared) {
    if (own.has(name)) continue;
    const module = name.endsWith('.weight') ? name.slice(0, -'.weight'.length) : null;
    const [up, down] = [own.get(`${module}.up`), own.get(`${module}.down`)];
    if (module === null || up === undefined || down === undefined) {
      changed.set(name, tensor);
      continue;
    }
    const [outputs = 0, ...columns] = tensor.shape;
    const rank = down.shape[0] ?? 0;
    if (rank < 1 || countOf(up.shape) !== outputs * rank || countOf(down.shape) !== rank * countOf(columns)) {
      throw misfit(file, module, tensor);
    }
    changed.set(name, patched(tensor, product(up, down, rank)));
  }
  return changed;
}

function addDifferences(
  shared: ReadonlyMap<string, TensorInfo>,
  own: ReadonlyMap<string, TensorInfo>,
  file: Weights,
): Map<string, TensorInfo> {
  const changed = new Map<string, TensorInfo>();
  for (const [name, tensor] of shared) {
    const difference = own.get(name);
    if (difference === undefined) {
      changed.set(name, tensor);
      continue;
    }
    if (difference.shape.join() !== tensor.shape.join()) throw misfit(file, name, tensor);
    changed.set(name, patched(tensor, whole(difference)));
  }
  return changed;
}

function patched(tensor: TensorInfo, patch: TensorPatch): PatchedTensor {
  const before = 'patches' in tensor ? (tensor as PatchedTensor).patches : [];
  return { ...tensor, patches: [...before, patch] };
}

const ADDED = { isByRows: true, isAdded: true, copies: 1 } as const;

/** W + up · down. Hu et al. 2021, arXiv:2106.09685. */
function product(up: TensorInfo, down: TensorInfo, rank: number): TensorPatch {
  const raise = { ...up, shape: [countOf(up.shape) / rank, rank] };
  const lower = [rank, countOf(down.shape) / rank];
  return {
    ...ADDED,
    apply: (graph: GraphBuilder, weight: Value, { first, last }) =>
      graph.op('Gemm', [graph.weightRows(raise, first, last), graph.weight(down, lower), weight]),
  };
}

function whole(difference: TensorInfo): TensorPatch {
  const [rows = 1] = difference.shape;
  const matrix = { ...difference, shape: [rows, countOf(difference.shape) / rows] };
  return {
    ...ADDED,
    apply: (graph, weight, { first, last }) =>
      graph.op('Add', [weight, graph.weightRows(matrix, first, last)]),
  };
}

function misfit({ source }: Weights, name: string, { shape }: TensorInfo): EngineError {
  return new EngineError(
    'model-invalid',
    `"${source.name}" does not fit this model: its "${name}" is for another size than [${shape.join(', ')}].`,
    { hint: 'Open it over a checkpoint of the family that it was made for.' },
  );
}
