import { FormatError, quote } from '../../weights/format-error.ts';
import { countOf, ELEMENT_BITS, type ElementType, type TensorInfo } from '../../weights/weight-source.ts';
import type { WeightUse } from '../initializers.ts';
import type { Field, ProtobufReader, Range } from './protobuf-reader.ts';

/** Fields of onnx.proto's `TensorProto`. */
const TENSOR = { DIMS: 1, TYPE: 2, NAME: 8, RAW: 9, EXTERNAL: 13, LOCATION: 14 } as const;
/** Numbers of `TensorProto.DataType`, for the types that weights have. */
const TYPES: Readonly<Record<number, ElementType>> = {
  1: 'F32',
  2: 'U8',
  3: 'I8',
  4: 'U16',
  5: 'I16',
  6: 'I32',
  7: 'I64',
  9: 'BOOL',
  10: 'F16',
  11: 'F64',
  12: 'U32',
  13: 'U64',
  16: 'BF16',
  17: 'F8_E4M3',
  18: 'F8_E4M3FNUZ',
  19: 'F8_E5M2',
  20: 'F8_E5M2FNUZ',
};
const FRACTIONS = new Set([1, 10, 11, 16, 17, 18, 19, 20]);
const MAX_RANK = 8;
/** Shorter ones stay in the graph, where ONNX Runtime looks when it works out shapes. */
const INLINE_BYTES = 4096;

/** A weight of a model. */
export interface Described {
  readonly name: string;
  readonly type: number;
  readonly dims: readonly number[];
}
/** One that is stored plainly, in the model's file or in one beside it. */
export interface Initializer extends Described {
  /** Path beside the model's file, as it says; null: the model's file itself. */
  readonly location: string | null;
  readonly offset: number;
  /** Bytes; null: up to the end of the file. */
  readonly length: number | null;
}

/**
 * Reads a weight's description.
 * @returns without a place if it is so small, or stored in such a way, that it stays in the graph as it is.
 * @throws FormatError
 */
export function readInitializer(reader: ProtobufReader, tensor: Range): Initializer | Described {
  const dims: number[] = [];
  let [name, type, raw, isExternal] = ['', 0, null as Range | null, false];
  const entries = new Map<string, string>();
  for (const field of reader.fields(tensor)) {
    if (field.number === TENSOR.DIMS) dims.push(...reader.integers(field));
    else if (field.number === TENSOR.TYPE) type = field.value;
    else if (field.number === TENSOR.NAME) name = reader.text(field);
    else if (field.number === TENSOR.RAW) raw = field;
    else if (field.number === TENSOR.LOCATION) isExternal = field.value === 1;
    else if (field.number === TENSOR.EXTERNAL) addEntry(reader, field, entries);
    if (dims.length > MAX_RANK)
      throw new FormatError(`it gives ${quote(name)} more than ${MAX_RANK} dimensions`);
  }
  if (isExternal) {
    const location = entries.get('location');
    if (location === undefined) throw new FormatError(`it does not say where ${quote(name)} is`);
    const offset = wholeNumber(entries.get('offset') ?? '0', name);
    const length = entries.has('length') ? wholeNumber(entries.get('length') ?? '', name) : null;
    return { name, type, dims, location, offset, length };
  }
  if (entries.size > 0) throw new FormatError(`it says in two ways where ${quote(name)} is`);
  if (raw === null || raw.end - raw.start < INLINE_BYTES) return { name, type, dims };
  return { name, type, dims, location: null, offset: raw.start, length: raw.end - raw.start };
}

function addEntry(reader: ProtobufReader, entry: Field, entries: Map<string, string>): void {
  const parts: Record<number, string> = {};
  for (const field of reader.fields(entry)) parts[field.number] = reader.text(field, 4096);
  const [key, value] = [parts[1] ?? '', parts[2] ?? ''];
  if (entries.has(key) || entries.size > 16) throw new FormatError('it says in two ways where a weight is');
  entries.set(key, value);
}

function wholeNumber(text: string, name: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Infinity;
  if (!Number.isSafeInteger(value))
    throw new FormatError(`it gives ${quote(name)} a place that is no number`);
  return value;
}

/**
 * The use of a whole weight that lies in `file`.
 * @throws FormatError if its shape, type, length and place do not fit together, or not in the file.
 */
export function wholeWeight(
  { name, type, dims, offset, length }: Initializer,
  file: { readonly path: string; readonly name: string; readonly sizeBytes: number },
): WeightUse {
  const dtype = TYPES[type];
  if (dtype === undefined)
    throw new FormatError(`it stores ${quote(name)} as a type (${type}) that is not known`);
  const byteLength = (countOf(dims) * ELEMENT_BITS[dtype]) / 8;
  if (!dims.every((size) => Number.isSafeInteger(size)) || !Number.isSafeInteger(byteLength)) {
    throw new FormatError(`it gives ${quote(name)} an impossible shape`);
  }
  if (length !== null && length !== byteLength) {
    throw new FormatError(`it gives ${quote(name)} ${length} bytes, but its shape has ${byteLength}`);
  }
  if (offset + byteLength > file.sizeBytes) {
    throw new FormatError(
      `its weight ${quote(name)} ends after the ${file.sizeBytes} bytes of "${file.name}"`,
    );
  }
  const tensor: TensorInfo = { name, dtype, shape: dims, file: file.path, offset, byteLength };
  return { name, tensor, element: type, dims, from: 0, length: byteLength };
}

/** Number of values of a weight; none where they are whole numbers, such as sizes and indices. */
export function parametersOf({ type, dims }: Described): number {
  const count = countOf(dims);
  return FRACTIONS.has(type) && Number.isSafeInteger(count) ? count : 0;
}

/** @throws FormatError if there is a weight outside of the file in a tensor that is no initializer. */
export function requireInside(reader: ProtobufReader, tensor: Range): void {
  for (const { number, value } of reader.fields(tensor)) {
    if (number === TENSOR.EXTERNAL || (number === TENSOR.LOCATION && value !== 0)) {
      throw new FormatError('it keeps a constant in another file, which is not supported');
    }
  }
}
