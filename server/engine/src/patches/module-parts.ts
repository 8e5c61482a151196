import { EngineError } from '../errors.ts';
import { isWeightType } from '../onnx/graph.ts';
import { countOf, type TensorInfo } from '../weights/weight-source.ts';
import type { Part } from './lora-keys.ts';

/** The tensors that a file has for one module of a model. */
export class ModuleParts {
  /** The module's name in the file. */
  readonly name: string;
  readonly file: string;
  readonly #tensors: ReadonlyMap<Part, TensorInfo>;
  readonly #numbers: ReadonlyMap<Part, number>;

  /** @param numbers values of the tensors that are single numbers, and what else is known to be one */
  constructor(
    { name, file }: { name: string; file: string },
    tensors: ReadonlyMap<Part, TensorInfo>,
    numbers: ReadonlyMap<Part, number>,
  ) {
    this.name = name;
    this.file = file;
    this.#tensors = tensors;
    this.#numbers = numbers;
  }

  get parts(): readonly Part[] {
    return [...this.#tensors.keys()];
  }

  has(...parts: Part[]): boolean {
    return parts.every((part) => this.#tensors.has(part));
  }

  /** A float tensor with at least one value. @throws EngineError `model-invalid` if it is missing or cannot be used */
  tensor(part: Part): TensorInfo {
    const tensor = this.#tensors.get(part);
    if (tensor === undefined) {
      throw this.error(`has ${this.parts.map((name) => `"${name}"`).join(', ')} but no "${part}"`);
    }
    if (countOf(tensor.shape) === 0) throw this.error(`has an empty "${part}"`);
    if (!isWeightType(tensor.dtype)) throw this.error(`stores "${part}" as ${tensor.dtype}, not as floats`);
    return tensor;
  }

  /** A tensor of two axes or more, as a matrix: all axes but the first count as columns. */
  matrix(part: Part): { tensor: TensorInfo; rows: number; columns: number } {
    const tensor = this.tensor(part);
    const [rows = 0, ...rest] = tensor.shape;
    if (rest.length === 0) throw this.error(`has "${part}" of shape [${rows}], which is no matrix`);
    return { tensor, rows, columns: countOf(rest) };
  }

  /** A single number of the file; null if it has none. @throws EngineError `model-invalid` if it is no finite number */
  number(part: Part): number | null {
    const value = this.#numbers.get(part);
    if (value === undefined && !this.#tensors.has(part)) return null;
    if (value === undefined) throw this.error(`has "${part}" that is no single number`);
    if (!Number.isFinite(value)) throw this.error(`has ${value} for "${part}"`);
    return value;
  }

  /**
   * What an update of such a rank is multiplied with: alpha / rank, or 1 without alpha, which then equals the rank.
   * @param rank null if nothing in the update tells it
   */
  scale(rank: number | null): number {
    const scale = this.number('scale');
    if (scale !== null) return scale;
    const alpha = this.number('alpha');
    if (alpha === null || rank === null) return 1;
    if (alpha === 0) throw this.error('has an alpha of 0, so it would change nothing');
    return alpha / rank;
  }

  /** @throws EngineError `model-invalid` unless both sizes of what are multiplied are the same */
  requireEqual(one: number, other: number, what: string): void {
    if (one !== other) throw this.error(`has ${what} of different sizes, ${one} and ${other}`);
  }

  error(what: string): EngineError {
    return new EngineError('model-invalid', `"${this.file}": "${this.name.slice(0, 200)}" ${what}.`, {
      hint: 'The file may be damaged; look for another version of it.',
    });
  }
}
