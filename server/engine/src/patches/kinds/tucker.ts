import type { GraphBuilder, Value } from '../../onnx/graph.ts';

/** A kernel taken apart into its two ranks and a small kernel between them. */
export interface Tucker {
  /** [outputs, outer rank]. */
  readonly up: Value;
  /** [outer rank, inner rank · kernel]. */
  readonly mid: Value;
  /** [inputs, inner rank]. */
  readonly downTransposed: Value;
  readonly outputs: number;
  readonly inputs: number;
  readonly innerRank: number;
  readonly kernel: number;
}

/** The kernel as a matrix [outputs, inputs · kernel]. Tucker 1966; the order of axes is LyCORIS's. */
export function fromTucker(graph: GraphBuilder, parts: Tucker): Value {
  const { outputs, inputs, innerRank, kernel } = parts;
  const raised = graph.op('Reshape', [
    graph.op('MatMul', [parts.up, parts.mid]),
    graph.ints([outputs, innerRank, kernel]),
  ]);
  const planes = graph.op('MatMul', [parts.downTransposed, raised]); // [outputs, inputs, kernel]
  return graph.op('Reshape', [planes, graph.ints([outputs, inputs * kernel])]);
}

export function transposed(graph: GraphBuilder, value: Value): Value {
  return graph.op('Transpose', [value], { perm: [1, 0] });
}
