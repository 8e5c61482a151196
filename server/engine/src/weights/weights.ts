import { EngineError } from '../errors.ts';
import { countOf, type TensorInfo, type WeightSource } from './weight-source.ts';

/** What a network needs of a tensor's shape; `null` takes any size there. */
export type ShapePattern = readonly (number | null)[];

/** The tensors of a source below a prefix, as a network sees them: names without the prefix. */
export class Weights {
  readonly source: WeightSource;
  readonly prefix: string;

  constructor(source: WeightSource, prefix = '') {
    this.source = source;
    this.prefix = prefix;
  }

  under(name: string | number): Weights {
    return new Weights(this.source, `${this.prefix}${name}.`);
  }

  has(name: string): boolean {
    return this.source.tensors.has(this.prefix + name);
  }

  /** @throws EngineError `model-invalid` that names what is missing, or what has the wrong shape. */
  tensor(name: string, shape?: ShapePattern): TensorInfo {
    const full = this.prefix + name;
    const tensor = this.source.tensors.get(full);
    if (tensor === undefined) {
      throw new EngineError('model-invalid', `"${this.source.name}" lacks the tensor "${full}".`, {
        hint: 'The file is not complete, or its layout is not one that is supported; look for another version of it.',
      });
    }
    if (shape !== undefined && !fits(tensor.shape, shape)) {
      const expected = shape.map((size) => size ?? 'any').join(', ');
      throw new EngineError(
        'model-invalid',
        `"${this.source.name}" has "${full}" of shape [${tensor.shape.join(', ')}]; expected [${expected}].`,
        { hint: 'The file mixes parts of different models; look for another version of it.' },
      );
    }
    return tensor;
  }

  /** True if there is nothing below the prefix. */
  get isEmpty(): boolean {
    return !childrenOf(this.source).has(this.prefix);
  }

  /** How many numbered children there are: `0.`, `1.`, … without a gap. */
  get count(): number {
    return childrenOf(this.source).get(this.prefix)?.count ?? 0;
  }

  /** Numbers that stand right after the prefix, gaps or not. */
  get numbers(): ReadonlySet<number> {
    return childrenOf(this.source).get(this.prefix)?.numbers ?? new Set();
  }

  /** Number of values in all tensors below the prefix. */
  get parameters(): number {
    let sum = 0;
    for (const [name, tensor] of this.source.tensors) {
      if (name.startsWith(this.prefix)) sum += countOf(tensor.shape);
    }
    return sum;
  }
}

/** Longer names, and deeper ones, belong to no network that is known; they are kept out of the index for their number. */
const MAX_NAME = 300;
const MAX_DEPTH = 20;

/** The numbered children below a prefix. */
class Children {
  readonly numbers = new Set<number>();
  /** How many there are from 0 without a gap. */
  count = 0;

  add(number: number): void {
    this.numbers.add(number);
    while (this.numbers.has(this.count)) this.count += 1;
  }
}

const indices = new WeakMap<WeightSource, Map<string, Children>>();

/** The children of each prefix that is in use, found in one pass over the names: a file may have many. */
function childrenOf(source: WeightSource): Map<string, Children> {
  let index = indices.get(source);
  if (index !== undefined) return index;
  index = new Map([['', new Children()]]);
  indices.set(source, index);
  for (const name of source.tensors.keys()) {
    if (name.length > MAX_NAME) continue;
    const parts = name.split('.', MAX_DEPTH);
    let prefix = '';
    for (const part of parts.slice(0, -1)) {
      if (/^\d{1,4}$/.test(part)) index.get(prefix)?.add(Number(part));
      prefix += `${part}.`;
      if (!index.has(prefix)) index.set(prefix, new Children());
    }
  }
  return index;
}

function fits(shape: readonly number[], pattern: ShapePattern): boolean {
  return shape.length === pattern.length && shape.every((size, axis) => (pattern[axis] ?? size) === size);
}
