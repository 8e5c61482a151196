import { FormatError, quote } from '../../weights/format-error.ts';
import { ProtobufWriter } from '../protobuf.ts';
import type { Field, ProtobufReader, Range } from './protobuf-reader.ts';

/** An input or output of a model as its file declares it. */
export interface ValueInfo {
  readonly name: string;
  /** `TensorProto.DataType`. */
  readonly type: number;
  /** Sizes; null where they may be any. */
  readonly dims: readonly (number | null)[];
}

/** Types of `TensorProto.DataType` that a value may have at the border of a model. */
export const ELEMENT = { FLOAT: 1, INT32: 6, INT64: 7, FLOAT16: 10, DOUBLE: 11, BFLOAT16: 16 } as const;

/** @throws FormatError */
export function readValueInfo(reader: ProtobufReader, value: Range): ValueInfo {
  let name = '';
  let type = 0;
  const dims: (number | null)[] = [];
  for (const field of reader.fields(value)) {
    if (field.number === 1) name = reader.text(field);
    else if (field.number === 2) {
      const tensor = only(reader, field, 1);
      if (tensor === null) throw new FormatError(`it takes ${quote(name)}, which is no tensor`);
      for (const part of reader.fields(tensor)) {
        if (part.number === 1) type = part.value;
        if (part.number !== 2) continue;
        for (const dim of reader.fields(part)) dims.push(sizeOf(reader, dim));
      }
    }
    if (dims.length > 16) throw new FormatError(`it gives ${quote(name)} more than 16 dimensions`);
  }
  return { name, type, dims };
}

function sizeOf(reader: ProtobufReader, dim: Field): number | null {
  let size: number | null = null;
  for (const { number, value } of reader.fields(dim))
    if (number === 1 && Number.isFinite(value)) size = value;
  return size;
}

function only(reader: ProtobufReader, message: Range, number: number): Field | null {
  for (const field of reader.fields(message)) if (field.number === number) return field;
  return null;
}

/** `ValueInfoProto`; a size that may be any is left without one. */
export function valueInfo({ name, type, dims }: ValueInfo): ProtobufWriter {
  const shape = new ProtobufWriter();
  for (const size of dims) {
    const dim = new ProtobufWriter();
    shape.message(1, size === null ? dim : dim.int(1, size));
  }
  const tensor = new ProtobufWriter().int(1, type).message(2, shape);
  return new ProtobufWriter().string(1, name).message(2, new ProtobufWriter().message(1, tensor));
}

/** A node that turns `from` into `to` of another type. */
export function castNode(from: string, to: string, type: number): ProtobufWriter {
  const attribute = new ProtobufWriter().string(1, 'to').int(3, type).int(20, 2);
  return new ProtobufWriter()
    .string(1, from)
    .string(2, to)
    .string(3, `cast ${to}`)
    .string(4, 'Cast')
    .message(5, attribute);
}
