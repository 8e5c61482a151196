import { FormatError, quote } from '../format-error.ts';
import {
  Inert,
  PickleDict,
  PickledTensor,
  PickleList,
  PickleTuple,
  type PickleValue,
} from '../pickle/values.ts';
import { MAX_TENSORS } from '../safetensors-header.ts';

/** Under which the weights lie where they are not the whole; the first that holds tensors is taken. */
const WRAPPERS = ['state_dict', 'params_ema', 'params', 'model', 'module'];
const MAX_WRAPPERS = 4;
/** Of dicts and lists within each other. */
const MAX_DEPTH = 32;
/** Values that are looked at, counting one that is shared each time. */
const MAX_VISITS = 1_000_000;
const MAX_NAME = 1000;
const MAX_METADATA = 10_000;
const MAX_METADATA_TEXT = 100_000;

export interface StateDict {
  readonly tensors: Map<string, PickledTensor>;
  readonly metadata: Map<string, string>;
}

/**
 * The tensors in what a checkpoint holds, by their path: `model.0.weight`, `string_to_param.*`, `768.0.linear.weight`.
 * Texts and numbers, also those beside the wrapper that holds the weights, are metadata; the rest is left out.
 * @throws FormatError if there are no tensors, or if it is nested beyond the limits.
 */
export function readStateDict(root: PickleValue): StateDict {
  const walk = new Walk();
  let weights = root;
  for (let depth = 0; depth < MAX_WRAPPERS; depth += 1) {
    const inner = unwrapped(weights);
    if (inner === null) break;
    for (const [key, value] of (weights as PickleDict).entries) walk.note(textOf(key), value);
    weights = inner;
  }
  walk.visit(weights, '', 0);
  if (walk.tensors.size === 0) throw new FormatError('it holds no tensors', { hint: NO_TENSORS });
  return walk;
}

const NO_TENSORS =
  'It may be a list of settings, or belong to another program; look for the weights themselves.';

function unwrapped(value: PickleValue): PickleDict | null {
  if (!(value instanceof PickleDict)) return null;
  for (const key of WRAPPERS) {
    const inner = value.entries.get(key);
    if (inner instanceof PickleDict && [...inner.entries.values()].some(mayHoldTensors)) return inner;
  }
  return null;
}

function mayHoldTensors(value: PickleValue): boolean {
  return value instanceof PickledTensor || value instanceof PickleDict;
}

class Walk implements StateDict {
  readonly tensors = new Map<string, PickledTensor>();
  readonly metadata = new Map<string, string>();
  #visits = 0;

  visit(value: PickleValue, name: string, depth: number): void {
    if (++this.#visits > MAX_VISITS) throw new FormatError(`it has more than ${MAX_VISITS} values`);
    if (value instanceof PickledTensor) {
      this.#add(name, value);
      return;
    }
    if (depth === MAX_DEPTH) throw new FormatError(`it is nested more than ${MAX_DEPTH} levels deep`);
    for (const [key, child] of childrenOf(value)) {
      const part = textOf(key);
      if (part === null) continue;
      const full = name === '' ? part : `${name}.${part}`;
      if (full.length > MAX_NAME)
        throw new FormatError(`it has the name ${quote(full)} of ${full.length} characters`);
      if (isLeaf(child)) this.note(full, child);
      else this.visit(child, full, depth + 1);
    }
  }

  /** Keeps a text or a number as metadata. */
  note(name: string | null, value: PickleValue): void {
    const text = textOf(value);
    if (name === null || text === null || name.length > MAX_NAME || text.length > MAX_METADATA_TEXT) return;
    if (this.metadata.size < MAX_METADATA && !this.metadata.has(name)) this.metadata.set(name, text);
  }

  #add(name: string, tensor: PickledTensor): void {
    // Two keys can be one as text, such as 1 and "1".
    if (this.tensors.has(name)) throw new FormatError(`it has the tensor ${quote(name)} twice`);
    if (this.tensors.size === MAX_TENSORS) throw new FormatError(`it has more than ${MAX_TENSORS} tensors`);
    this.tensors.set(name, tensor);
  }
}

function isLeaf(value: PickleValue): boolean {
  return value === null || typeof value !== 'object' || value instanceof Uint8Array;
}

function childrenOf(value: PickleValue): Iterable<[PickleValue, PickleValue]> {
  if (value instanceof PickleDict) return value.entries;
  if (value instanceof PickleList || value instanceof PickleTuple) return value.items.entries();
  // Embeddings of 2022 are kept in a ParameterDict, whose tensors are in this attribute.
  if (value instanceof Inert && value.className === 'torch.nn.modules.container ParameterDict') {
    const parameters = value.state instanceof PickleDict ? value.state.entries.get('_parameters') : undefined;
    return parameters instanceof PickleDict ? parameters.entries : [];
  }
  return [];
}

function textOf(value: PickleValue): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  return null;
}
