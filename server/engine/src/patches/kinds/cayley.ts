import type { GraphBuilder, Value } from '../../onnx/graph.ts';

/** Steps of the inversion: enough for Q whose norm is up to about 20, far beyond what training makes. */
const STEPS = 14;

/**
 * (I + Q)(I − Q)⁻¹ with Q = B − Bᵀ, which is a rotation, for every square B of [.., side, side].
 * @param bound largest norm of all Q together; 0 = any
 */
export function cayley(
  graph: GraphBuilder,
  blocks: Value,
  { side, bound }: { side: number; bound: number },
): Value {
  const unit = graph.op('EyeLike', [graph.op('ConstantOfShape', [graph.ints([side, side])])], { dtype: 1 });
  const skew = graph.op('Sub', [blocks, transposed(graph, blocks)]);
  const bounded = bound === 0 ? skew : withinBound(graph, skew, bound);
  const plus = graph.op('Add', [unit, bounded]);
  return graph.op('MatMul', [plus, inverseOfTransposed(graph, plus, { unit, skew: bounded })]);
}

function withinBound(graph: GraphBuilder, skew: Value, bound: number): Value {
  const tiny = graph.floats([1e-8], []);
  const norm = graph.op('ReduceL2', [skew], { keepdims: 0 });
  const limited = graph.op('Add', [graph.op('Min', [norm, graph.floats([bound], [])]), tiny]);
  return graph.op('Mul', [skew, graph.op('Div', [limited, graph.op('Add', [norm, tiny])])]);
}

/**
 * (I − Q)⁻¹, where I − Q = (I + Q)ᵀ, by X ← X (2 I − A X), which doubles the right digits at each step (Schulz 1933). The
 * singular values of A are from 1 to √(1 + ‖Q‖²), so from Aᵀ / (1 + ‖Q‖²) it always converges.
 */
function inverseOfTransposed(
  graph: GraphBuilder,
  plus: Value,
  { unit, skew }: { unit: Value; skew: Value },
): Value {
  const a = transposed(graph, plus);
  const square = graph.op('ReduceSumSquare', [skew, graph.ints([-2, -1])], { keepdims: 1 });
  const twice = graph.op('Add', [unit, unit]);
  let x = graph.op('Div', [plus, graph.op('Add', [square, graph.floats([1])])]);
  for (let step = 0; step < STEPS; step += 1) {
    x = graph.op('MatMul', [x, graph.op('Sub', [twice, graph.op('MatMul', [a, x])])]);
  }
  return x;
}

function transposed(graph: GraphBuilder, blocks: Value): Value {
  return graph.op('Transpose', [blocks], { perm: [0, 1, 3, 2] });
}
