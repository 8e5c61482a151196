import { FormatError, quote } from '../../weights/format-error.ts';
import { ProtobufWriter } from '../protobuf.ts';
import type { ModelParts } from './read-graph.ts';
import { castNode, ELEMENT, valueInfo, type ValueInfo } from './value-info.ts';

/** An input or output as a session knows it. */
export interface Border {
  /** What it is called there: its own name, unless a cast lies between. */
  readonly name: string;
  /** Sizes; null where they may be any. */
  readonly dims: readonly (number | null)[];
  /** True if only whole numbers pass. */
  readonly isWhole: boolean;
}
export interface Borders {
  readonly inputs: ReadonlyMap<string, Border>;
  readonly outputs: ReadonlyMap<string, Border>;
  /** Fields of a `GraphProto`: the inputs and their casts. */
  readonly before: ProtobufWriter;
  /** The outputs and their casts. */
  readonly after: ProtobufWriter;
}

const FLOATS: readonly number[] = [ELEMENT.FLOAT, ELEMENT.FLOAT16, ELEMENT.DOUBLE, ELEMENT.BFLOAT16];
const WHOLE: readonly number[] = [ELEMENT.INT32, ELEMENT.INT64];
const GRAPH = { NODE: 1, INPUT: 11, OUTPUT: 12 } as const;

/**
 * Makes all inputs and outputs float32 or int32, with a cast where the model has another type: exported models take half
 * floats and 64-bit integers.
 * @throws FormatError for other types.
 */
export function borders({ inputs, outputs }: ModelParts): Borders {
  const before = new ProtobufWriter();
  const after = new ProtobufWriter();
  const place = (value: ValueInfo, kind: 'in' | 'out'): [string, Border] => {
    const { name, type, dims } = value;
    const isWhole = WHOLE.includes(type);
    if (!isWhole && !FLOATS.includes(type)) {
      throw new FormatError(`it has ${quote(name)} of a type (${type}) that is not known`);
    }
    const outer = isWhole ? ELEMENT.INT32 : ELEMENT.FLOAT;
    const border = { name: outer === type ? name : `atelier ${kind} ${name}`, dims, isWhole };
    const info = valueInfo({ name: border.name, type: outer, dims });
    if (kind === 'in') {
      before.message(GRAPH.INPUT, info);
      if (outer !== type) before.message(GRAPH.NODE, castNode(border.name, name, type));
    } else {
      if (outer !== type) after.message(GRAPH.NODE, castNode(name, border.name, outer));
      after.message(GRAPH.OUTPUT, info);
    }
    return [name, border];
  };
  return {
    inputs: new Map(inputs.map((value) => place(value, 'in'))),
    outputs: new Map(outputs.map((value) => place(value, 'out'))),
    before,
    after,
  };
}
