import type { GraphBuilder, Value } from '../../onnx/graph.ts';
import { factorOf, times } from '../factor.ts';
import type { ModuleParts } from '../module-parts.ts';
import { towards, type WeightChange, type WeightSize } from '../weight-change.ts';
import { transposed } from './tucker.ts';

type Matrix = ReturnType<ModuleParts['matrix']>;

/**
 * GLoRA: W' = W + W A + B with A and B of low rank. Chavan et al. 2023, arXiv:2306.07967. Two orders of the factors are in
 * use: A = a₁a₂, B = b₁b₂ in LyCORIS since 2.1, and A = a₂a₁, B = b₂b₁ before. Where both fit, the older is meant, as in
 * ComfyUI.
 */
export function generalized(parts: ModuleParts): WeightChange | null {
  const names = ['a1.weight', 'a2.weight', 'b1.weight', 'b2.weight'] as const;
  if (!names.some((name) => parts.has(name))) return null;
  const [a1, a2, b1, b2] = names.map((name) => parts.matrix(name)) as [Matrix, Matrix, Matrix, Matrix];
  const isOld = [b1.rows, a1.rows, a2.columns].every((rank) => rank === b2.columns);
  const [[a, aEnd], [b, bEnd]] = isOld
    ? [[a2, a1] as const, [b2, b1] as const]
    : [[a1, a2] as const, [b1, b2] as const];
  parts.requireEqual(a.columns, aEnd.rows, 'ranks');
  parts.requireEqual(b.columns, bEnd.rows, 'ranks');
  parts.requireEqual(a.rows, aEnd.columns, 'sides of its square matrix');
  const scale = parts.scale(b.columns);
  return towards({
    kind: 'glora',
    outputs: b.rows,
    columns: bEnd.columns,
    copies: 8,
    isByRows: false,
    changed: (graph, weight, size) => {
      if (a.rows !== size.inputs) {
        throw parts.error(`has ${a.rows} inputs, but the model has ${size.inputs} there`);
      }
      const product = graph.op('MatMul', [matrix(graph, b), matrix(graph, bEnd)]);
      const turned = timesSquare(graph, weight, [matrix(graph, a), matrix(graph, aEnd)], size);
      const update = graph.op('Add', [product, turned]);
      return graph.op('Add', [weight, times(graph, update, factorOf(1, scale))]);
    },
  });
}

function matrix(graph: GraphBuilder, { tensor, rows, columns }: Matrix): Value {
  return graph.weight(tensor, [rows, columns]);
}

/** W A over the inputs of W, at every place of its kernel. */
function timesSquare(
  graph: GraphBuilder,
  weight: Value,
  [a, aEnd]: readonly [Value, Value],
  { outputs, inputs, kernel }: WeightSize,
): Value {
  if (kernel === 1) return graph.op('MatMul', [graph.op('MatMul', [weight, a]), aEnd]);
  const planes = graph.op('Reshape', [weight, graph.ints([outputs, inputs, kernel])]);
  const small = graph.op('MatMul', [transposed(graph, a), planes]);
  const turned = graph.op('MatMul', [transposed(graph, aEnd), small]);
  return graph.op('Reshape', [turned, graph.ints([outputs, inputs * kernel])]);
}
