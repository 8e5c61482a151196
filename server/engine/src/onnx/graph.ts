import { countOf, type ElementType, type TensorInfo } from '../weights/weight-source.ts';
import { describeWeights, openingBytes, type WeightUse } from './initializers.ts';
import { ProtobufWriter } from './protobuf.ts';

/** A value that flows through a graph: an input, a weight, or the result of an operator. */
export interface Value {
  readonly name: string;
}
/** Sizes of an input; a name stands for a size that is known only when it runs. */
export type Dims = readonly (number | string)[];
type Attribute = number | string | readonly number[] | { readonly float: number };

/** A number that may be changed between runs: an input of the graph that every run is given. */
export interface LiveNumber {
  /** Of the input. */
  readonly name: string;
  value: number;
}

/** Rows `first` to `last` (exclusive) of a tensor, along its first axis. */
export interface Rows {
  readonly first: number;
  readonly last: number;
}

/** Changes what a weight is worth, wherever a graph uses it: W becomes W'. */
export interface TensorPatch {
  /** True if it can change some rows without seeing the others. */
  readonly isByRows: boolean;
  /** True if it adds something that does not depend on the weight. */
  readonly isAdded: boolean;
  /** Arrays of the weight's size that are made on the way when it is folded, and freed when the session is open; default: 1. */
  readonly copies?: number;
  /** @param weight the rows, as a matrix [rows, all other sizes multiplied] */
  apply(graph: GraphBuilder, weight: Value, rows: Rows): Value;
}

/** A tensor that is changed by patches, in their order, when it is used. */
export interface PatchedTensor extends TensorInfo {
  readonly patches: readonly TensorPatch[];
}

/** An ONNX model that refers to weights by file and offset; small, whatever the size of the weights. */
export interface OnnxModel {
  /** Operators and constants; equal only for equal weights too, which it describes. */
  readonly bytes: Uint8Array;
  /** What `bytes` lacks to be complete. */
  readonly weights: readonly WeightUse[];
  readonly operatorCount: number;
  /** Of all weights, as float32. */
  readonly weightBytes: number;
  /** Memory that opening takes besides, for a while. */
  readonly openingBytes: number;
  /** Numbers that every run is given; see `liveInputs`. */
  readonly liveNumbers: readonly LiveNumber[];
  /**
   * Set where convolutions of planes are nearly all of the work: opening the session then lays their weights out in blocks of
   * channels. That makes them a quarter faster and takes up to three times the memory for weights.
   */
  readonly blocksChannels?: boolean;
}

/** Numbers of onnx.proto's `TensorProto.DataType`. */
const ELEMENT = {
  FLOAT: 1,
  INT32: 6,
  INT64: 7,
  FLOAT16: 10,
  DOUBLE: 11,
  BFLOAT16: 16,
  FLOAT8E4M3FN: 17,
  FLOAT8E5M2: 19,
} as const;
const WEIGHT_ELEMENT: Partial<Record<ElementType, number>> = {
  F16: ELEMENT.FLOAT16,
  BF16: ELEMENT.BFLOAT16,
  F32: ELEMENT.FLOAT,
  F64: ELEMENT.DOUBLE,
  F8_E4M3: ELEMENT.FLOAT8E4M3FN,
  F8_E5M2: ELEMENT.FLOAT8E5M2,
};
/** Of the standard operators: the first with `Gelu`. */
const OPSET = 20;
const IR_VERSION = 9;
/** Float32 as `Cast` takes it in `to`. */
export const FLOAT: number = ELEMENT.FLOAT;
/** Operators that only ONNX Runtime has: attention, fused activations. */
export const MICROSOFT = 'com.microsoft';

/** True for the element types that weights may have. */
export function isWeightType(dtype: ElementType): boolean {
  return WEIGHT_ELEMENT[dtype] !== undefined;
}

/**
 * Builds a graph operator by operator. Weights are not read: when a session opens, ONNX Runtime is told their file, offset and
 * length (see initializers.ts). Names are made up here, so nothing foreign but paths gets into the model.
 */
export class GraphBuilder {
  readonly #nodes = new ProtobufWriter();
  readonly #initializers = new ProtobufWriter();
  readonly #inputs = new ProtobufWriter();
  readonly #outputs = new ProtobufWriter();
  readonly #weights = new Map<string, Value>();
  readonly #uses: WeightUse[] = [];
  readonly #constants = new Map<string, Value>();
  readonly #patched = new Map<TensorInfo, Map<string, Value>>();
  readonly #liveNumbers = new Map<LiveNumber, Value>();
  #weightBytes = 0;
  #foldBytes = 0;
  #names = 0;
  #operators = 0;

  input(name: string, type: 'float' | 'int32', dims: Dims): Value {
    this.#inputs.message(11, valueInfo(name, type === 'float' ? ELEMENT.FLOAT : ELEMENT.INT32, dims));
    return { name };
  }

  /** A number that every run is given, as [1]. */
  live(number: LiveNumber): Value {
    let value = this.#liveNumbers.get(number);
    if (value === undefined) {
      value = this.input(number.name, 'float', [1]);
      this.#liveNumbers.set(number, value);
    }
    return value;
  }

  output(name: string, value: Value, dims: Dims): void {
    this.#emit('Identity', [value], [name], {}, '');
    this.#outputs.message(12, valueInfo(name, ELEMENT.FLOAT, dims));
  }

  /**
   * A weight as float32, patched. The cast of other types and the patches are folded when the session opens.
   * @param dims other sizes for the same bytes, such as a vector as [n, 1, 1].
   */
  weight(tensor: TensorInfo, dims: readonly number[] = tensor.shape): Value {
    if (countOf(dims) !== countOf(tensor.shape))
      throw new RangeError(`${tensor.name} does not have dims ${dims.join()}`);
    if (isPatched(tensor)) return this.#patchedRows(tensor, { first: 0, last: tensor.shape[0] ?? 1 }, dims);
    return this.#castWeight(tensor, 0, tensor.byteLength, dims);
  }

  /** Rows `first` to `last` (exclusive) of a weight, along its first axis: a part of the same bytes. */
  weightRows(tensor: TensorInfo, first: number, last: number): Value {
    const [rows = 1, ...rest] = tensor.shape;
    const rowBytes = tensor.byteLength / rows;
    if (isPatched(tensor)) return this.#patchedRows(tensor, { first, last }, [last - first, ...rest]);
    return this.#castWeight(tensor, first * rowBytes, (last - first) * rowBytes, [last - first, ...rest]);
  }

  /** Rows of a weight picked by `indices` when it runs; only what was picked is made float32, but of eight-bit floats all. */
  gatherRows(tensor: TensorInfo, indices: Value): Value {
    const isGathered = !tensor.dtype.startsWith('F8_'); // ONNX's Gather does not take them
    if (isPatched(tensor) || !isGathered) return this.op('Gather', [this.weight(tensor), indices]);
    const rows = this.op('Gather', [this.#storedWeight(tensor, 0, tensor.byteLength, tensor.shape), indices]);
    return tensor.dtype === 'F32' ? rows : this.op('Cast', [rows], { to: ELEMENT.FLOAT });
  }

  floats(values: readonly number[] | Float32Array, dims: readonly number[] = [values.length]): Value {
    const raw = new DataView(new ArrayBuffer(4 * values.length));
    values.forEach((value, index) => raw.setFloat32(4 * index, value, true));
    return this.#constant(ELEMENT.FLOAT, dims, raw);
  }

  ints(values: readonly number[]): Value {
    const raw = new DataView(new ArrayBuffer(8 * values.length));
    values.forEach((value, index) => raw.setBigInt64(8 * index, BigInt(value), true));
    return this.#constant(ELEMENT.INT64, [values.length], raw);
  }

  /** Adds an operator with one result. `null` leaves an optional operand out. */
  op(
    type: string,
    operands: readonly (Value | null)[],
    attributes: Record<string, Attribute> = {},
    domain = '',
  ): Value {
    const result = this.#fresh();
    this.#emit(type, operands, [result.name], attributes, domain);
    return result;
  }

  /** Adds an operator with two results. */
  op2(type: string, operands: readonly Value[], attributes: Record<string, Attribute> = {}): [Value, Value] {
    const results: [Value, Value] = [this.#fresh(), this.#fresh()];
    this.#emit(type, operands, [results[0].name, results[1].name], attributes, '');
    return results;
  }

  /** @param name for messages of ONNX Runtime. */
  build(name: string): OnnxModel {
    const graph = new ProtobufWriter()
      .string(2, name)
      .string(10, describeWeights(this.#uses))
      .append(this.#nodes)
      .append(this.#initializers)
      .append(this.#inputs)
      .append(this.#outputs);
    const model = new ProtobufWriter()
      .int(1, IR_VERSION)
      .string(2, 'atelier')
      .message(7, graph)
      .message(8, new ProtobufWriter().string(1, '').int(2, OPSET))
      .message(8, new ProtobufWriter().string(1, MICROSOFT).int(2, 1));
    return {
      bytes: model.finish(),
      weights: this.#uses,
      operatorCount: this.#operators,
      weightBytes: this.#weightBytes,
      openingBytes: openingBytes(this.#uses) + this.#foldBytes,
      liveNumbers: [...this.#liveNumbers.keys()],
    };
  }

  #patchedRows(tensor: PatchedTensor, rows: Rows, dims: readonly number[]): Value {
    let made = this.#patched.get(tensor);
    if (made === undefined) this.#patched.set(tensor, (made = new Map<string, Value>()));
    return once(made, `${rows.first} ${rows.last} ${dims.join()}`, () => {
      const { patches, ...plain } = tensor;
      const [all = 1] = tensor.shape;
      const isWhole = rows.last - rows.first === all;
      const columns = countOf(tensor.shape) / all;
      if (!isWhole && !patches.every(({ isByRows }) => isByRows)) {
        const whole = this.weight(tensor, [all, columns]);
        const part = this.op('Slice', [whole, this.ints([rows.first]), this.ints([rows.last])]);
        return this.#reshaped(part, [rows.last - rows.first, columns], dims);
      }
      const isMatrix = dims.join() === [rows.last - rows.first, columns].join();
      const copied = patches.reduce((sum, { copies = 1 }) => sum + copies, isMatrix ? 0 : 1);
      this.#foldBytes += 4 * copied * columns * (rows.last - rows.first);
      const matrix = { ...plain, shape: [all, columns] };
      const start = isWhole ? this.weight(matrix) : this.weightRows(matrix, rows.first, rows.last);
      const end = patches.reduce((weight, patch) => patch.apply(this, weight, rows), start);
      return this.#reshaped(end, [rows.last - rows.first, columns], dims);
    });
  }

  #reshaped(value: Value, from: readonly number[], to: readonly number[]): Value {
    return from.join() === to.join() ? value : this.op('Reshape', [value, this.ints(to)]);
  }

  #castWeight(tensor: TensorInfo, from: number, length: number, dims: readonly number[]): Value {
    const stored = this.#storedWeight(tensor, from, length, dims);
    if (tensor.dtype === 'F32') return stored;
    return once(this.#constants, `cast ${stored.name}`, () =>
      this.op('Cast', [stored], { to: ELEMENT.FLOAT }),
    );
  }

  #storedWeight(tensor: TensorInfo, from: number, length: number, dims: readonly number[]): Value {
    const element = WEIGHT_ELEMENT[tensor.dtype];
    if (element === undefined)
      throw new RangeError(`${tensor.name} is of type ${tensor.dtype}, not a float weight.`);
    const place = `${tensor.offset + from} ${length} ${element} ${dims.join()} ${tensor.made?.key} ${tensor.file}`;
    return once(this.#weights, place, () => {
      const value = this.#fresh();
      this.#uses.push({ name: value.name, tensor, element, dims, from, length });
      this.#weightBytes += 4 * countOf(dims);
      return value;
    });
  }

  #constant(element: number, dims: readonly number[], raw: DataView): Value {
    const bytes = new Uint8Array(raw.buffer);
    return once(this.#constants, `${element} ${dims.join()} ${bytes.join()}`, () => {
      const value = this.#fresh();
      const message = new ProtobufWriter()
        .ints(1, dims)
        .int(2, element)
        .string(8, value.name)
        .bytes(9, bytes);
      this.#initializers.message(5, message);
      return value;
    });
  }

  #emit(
    type: string,
    operands: readonly (Value | null)[],
    results: readonly string[],
    attributes: Record<string, Attribute>,
    domain: string,
  ): void {
    const node = new ProtobufWriter();
    for (const operand of operands) node.string(1, operand?.name ?? '');
    for (const result of results) node.string(2, result);
    node.string(3, `${type}_${this.#operators++}`).string(4, type).string(7, domain);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attribute(name, value));
    this.#nodes.message(1, node);
  }

  #fresh(): Value {
    return { name: `v${this.#names++}` };
  }
}

function isPatched(tensor: TensorInfo): tensor is PatchedTensor {
  return 'patches' in tensor;
}

/** `AttributeProto`: name 1, f 2, i 3, s 4, ints 8, type 20. Numbers are integers unless wrapped as `{ float }`. */
function attribute(name: string, value: Attribute): ProtobufWriter {
  const message = new ProtobufWriter().string(1, name);
  if (typeof value === 'number') return message.int(3, value).int(20, 2);
  if (typeof value === 'string') return message.string(4, value).int(20, 3);
  if ('float' in value) return message.float(2, value.float).int(20, 1);
  return message.ints(8, value).int(20, 7);
}

function valueInfo(name: string, element: number, dims: Dims): ProtobufWriter {
  const shape = new ProtobufWriter();
  for (const size of dims) {
    const dim = new ProtobufWriter();
    shape.message(1, typeof size === 'number' ? dim.int(1, size) : dim.string(2, size));
  }
  const tensor = new ProtobufWriter().int(1, element).message(2, shape);
  return new ProtobufWriter().string(1, name).message(2, new ProtobufWriter().message(1, tensor));
}

function once(cache: Map<string, Value>, key: string, make: () => Value): Value {
  let value = cache.get(key);
  if (value === undefined) cache.set(key, (value = make()));
  return value;
}
