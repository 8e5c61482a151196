import { FormatError } from '../../weights/format-error.ts';
import { parametersOf, readInitializer, requireInside, type Initializer } from './initializer.ts';
import type { ProtobufReader, Range } from './protobuf-reader.ts';
import { readValueInfo, type ValueInfo } from './value-info.ts';

/** Fields of onnx.proto's messages that matter here. */
const MODEL = { IR_VERSION: 1, GRAPH: 7, OPSETS: 8, FUNCTIONS: 25 } as const;
const GRAPH = {
  NODE: 1,
  NAME: 2,
  INITIALIZER: 5,
  INPUT: 11,
  OUTPUT: 12,
  VALUE_INFO: 13,
  SPARSE: 15,
} as const;
const NODE_ATTRIBUTE = 5;
const FUNCTION = { NODE: 7, ATTRIBUTE: 11 } as const;
const ATTRIBUTE = { TENSOR: 5, GRAPH: 6, TENSORS: 10, GRAPHS: 11, SPARSE: 22, SPARSES: 23 } as const;

const MAX_NODES = 200_000;
const MAX_INITIALIZERS = 200_000;
/** Of graphs within nodes within graphs. */
const MAX_DEPTH = 16;

/** A model's file, taken apart: what can be used as it stands in the file, and what cannot. */
export interface ModelParts {
  /** Parts of the file to copy, with their tags, before and after the graph. */
  readonly around: readonly Range[];
  /** The same for inside of the graph: nodes, small weights, notes on shapes. */
  readonly inside: readonly Range[];
  readonly initializers: readonly Initializer[];
  /** Without the weights that old models list there too. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly nodes: number;
  /** Number of values in all weights. */
  readonly parameters: number;
}

/**
 * Takes an ONNX model apart: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. What drawing has no use for
 * (documentation, training, metadata) is dropped.
 * @throws FormatError
 */
export function readGraph(reader: ProtobufReader): ModelParts {
  const around: Range[] = [];
  let graph: Range | null = null;
  for (const field of reader.fields({ start: 0, end: reader.size })) {
    const whole = { start: field.tag, end: field.end };
    if (field.number === MODEL.GRAPH) {
      if (graph !== null) throw new FormatError('it has more than one graph');
      graph = field;
    } else if (field.number === MODEL.FUNCTIONS) {
      requireNodesInside(reader, field, FUNCTION.NODE, 0);
      for (const part of reader.fields(field)) {
        if (part.number === FUNCTION.ATTRIBUTE) requireAttributeInside(reader, part, 0);
      }
      around.push(whole);
    } else if (field.number === MODEL.IR_VERSION || field.number === MODEL.OPSETS) around.push(whole);
  }
  if (graph === null) throw new FormatError('it has no graph');
  return { around, ...graphParts(reader, graph) };
}

function graphParts(reader: ProtobufReader, graph: Range): Omit<ModelParts, 'around'> {
  const inside: Range[] = [];
  const initializers: Initializer[] = [];
  const weights = new Set<string>();
  const [inputs, outputs]: [ValueInfo[], ValueInfo[]] = [[], []];
  const inputRanges: Range[] = [];
  let [nodes, parameters] = [0, 0];
  for (const field of reader.fields(graph)) {
    const whole = { start: field.tag, end: field.end };
    if (field.number === GRAPH.NODE) {
      nodes += 1;
      requireNodeInside(reader, field, 0);
      inside.push(whole);
    } else if (field.number === GRAPH.INITIALIZER) {
      const initializer = readInitializer(reader, field);
      weights.add(initializer.name);
      parameters += parametersOf(initializer);
      if ('location' in initializer) initializers.push(initializer);
      else inside.push(whole);
    } else if (field.number === GRAPH.INPUT) {
      inputs.push(readValueInfo(reader, field));
      inputRanges.push(whole);
    } else if (field.number === GRAPH.OUTPUT) outputs.push(readValueInfo(reader, field));
    else if (field.number === GRAPH.SPARSE)
      throw new FormatError('it has sparse weights, which are not supported');
    else if (field.number === GRAPH.NAME || field.number === GRAPH.VALUE_INFO) inside.push(whole);
    if (nodes > MAX_NODES) throw new FormatError(`it has more than ${MAX_NODES} nodes`);
    if (weights.size > MAX_INITIALIZERS)
      throw new FormatError(`it has more than ${MAX_INITIALIZERS} weights`);
    if (inputs.length + outputs.length > MAX_INITIALIZERS) throw new FormatError('it has too many inputs');
  }
  inputs.forEach(({ name }, index) => {
    if (weights.has(name)) inside.push(inputRanges[index] as Range);
  });
  return {
    inside,
    initializers,
    inputs: inputs.filter(({ name }) => !weights.has(name)),
    outputs,
    nodes,
    parameters,
  };
}

function requireNodesInside(reader: ProtobufReader, message: Range, node: number, depth: number): void {
  for (const field of reader.fields(message))
    if (field.number === node) requireNodeInside(reader, field, depth);
}

/** Constants may be in attributes too, and graphs with weights of their own: none of it may be in another file. */
function requireNodeInside(reader: ProtobufReader, node: Range, depth: number): void {
  for (const field of reader.fields(node)) {
    if (field.number === NODE_ATTRIBUTE) requireAttributeInside(reader, field, depth);
  }
}

function requireAttributeInside(reader: ProtobufReader, attribute: Range, depth: number): void {
  if (depth > MAX_DEPTH) throw new FormatError('it has graphs within graphs without end');
  for (const field of reader.fields(attribute)) {
    if (field.number === ATTRIBUTE.TENSOR || field.number === ATTRIBUTE.TENSORS) requireInside(reader, field);
    if (field.number === ATTRIBUTE.SPARSE || field.number === ATTRIBUTE.SPARSES) {
      throw new FormatError('it has sparse constants, which are not supported');
    }
    if (field.number !== ATTRIBUTE.GRAPH && field.number !== ATTRIBUTE.GRAPHS) continue;
    requireNodesInside(reader, field, GRAPH.NODE, depth + 1);
    for (const part of reader.fields(field)) {
      if (part.number === GRAPH.INITIALIZER) requireInside(reader, part);
      if (part.number === GRAPH.SPARSE)
        throw new FormatError('it has sparse weights, which are not supported');
    }
  }
}
