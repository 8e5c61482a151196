import { MICROSOFT, type GraphBuilder, type Rows, type Value } from '../../onnx/graph.ts';
import type { LiveBranch, Window } from '../../onnx/live-branch.ts';
import { countOf, type TensorInfo } from '../../weights/weight-source.ts';
import { times, type Factor } from '../factor.ts';
import type { ModuleParts } from '../module-parts.ts';
import type { Addition } from '../weight-change.ts';
import { fromTucker, transposed } from './tucker.ts';

/** The parts of a LoRA's update, U = up · down. */
interface LowRank {
  /** [outputs, rank]. */
  readonly up: TensorInfo;
  /** [rank, inputs, …kernel]; with `mid` without a kernel. */
  readonly down: TensorInfo;
  /** [rank, inner rank, …kernel]. */
  readonly mid: TensorInfo | null;
  readonly rank: number;
}

/**
 * LoRA of matrices and convolutions. Hu et al. 2021, arXiv:2106.09685; for convolutions the first part has the kernel
 * and the second is 1x1 (LoCon), or both are 1x1 with a small kernel between them (Tucker).
 */
export function lowRank(parts: ModuleParts): Addition | null {
  if (!parts.has('up') && !parts.has('down') && !parts.has('mid')) return null;
  const up = parts.matrix('up');
  const down = parts.matrix('down');
  if (parts.has('mid')) return tuckerLowRank(parts);
  parts.requireEqual(up.columns, down.rows, 'ranks');
  return {
    ...lowRankAddition({ up: up.tensor, down: down.tensor, mid: null, rank: down.rows }),
    columns: down.columns,
    scale: parts.scale(down.rows),
    copies: 1,
  };
}

function tuckerLowRank(parts: ModuleParts): Addition {
  const up = parts.matrix('up');
  const down = parts.matrix('down');
  const mid = parts.matrix('mid');
  const [outer = 0, inner = 0, ...window] = mid.tensor.shape;
  parts.requireEqual(up.columns, outer, 'ranks');
  parts.requireEqual(down.rows, inner, 'ranks');
  return {
    ...lowRankAddition({ up: up.tensor, down: down.tensor, mid: mid.tensor, rank: inner }),
    columns: down.columns * countOf(window),
    scale: parts.scale(inner),
    copies: 4,
  };
}

function lowRankAddition(
  factors: LowRank,
): Pick<Addition, 'kind' | 'outputs' | 'isByRows' | 'update' | 'addTo' | 'branch'> {
  const update = (graph: GraphBuilder, rows: Rows, factor: Factor): Value =>
    updateOf(graph, factors, rows, factor);
  return {
    kind: 'lora',
    outputs: factors.up.shape[0] ?? 0,
    isByRows: true,
    update,
    addTo: (graph, weight, rows, constant) =>
      factors.mid === null
        ? graph.op('Gemm', [upRows(graph, factors, rows), downMatrix(graph, factors), weight], {
            alpha: { float: constant },
          })
        : graph.op('Add', [weight, update(graph, rows, { constant, live: null })]),
    branch: (factor) => branchOf(factors, factor),
  };
}

function updateOf(graph: GraphBuilder, factors: LowRank, rows: Rows, factor: Factor): Value {
  const up = times(graph, upRows(graph, factors, rows), factor);
  const { down, mid } = factors;
  if (mid === null) return graph.op('MatMul', [up, downMatrix(graph, factors)]);
  const [outer = 0, innerRank = 0, ...window] = mid.shape;
  const kernel = countOf(window);
  return fromTucker(graph, {
    up,
    mid: graph.weight(mid, [outer, innerRank * kernel]),
    downTransposed: transposed(graph, downMatrix(graph, factors)),
    outputs: rows.last - rows.first,
    inputs: countOf(down.shape.slice(1)),
    innerRank,
    kernel,
  });
}

/** x passes through the small rank beside the layer: cheap, and the strength multiplies only what is small. */
function branchOf(factors: LowRank, { constant, live }: Factor): LiveBranch {
  const { up, down, mid } = factors;
  const [outputs = 0] = up.shape;
  const upRank = countOf(up.shape.slice(1));
  const strengthened = (graph: GraphBuilder, x: Value): Value =>
    live === null ? x : graph.op('Mul', [x, graph.live(live)]);
  const convolved = (graph: GraphBuilder, x: Value, weight: TensorInfo, window: Window): Value => {
    const [rank = 1] = weight.shape;
    const dims = [rank, countOf(weight.shape) / rank / countOf(window.kernel_shape), ...window.kernel_shape];
    return graph.op('Conv', [x, graph.weight(weight, dims)], { ...window });
  };
  return {
    multiply: (graph, x, rows) => {
      const small = graph.op('FusedMatMul', [x, downMatrix(graph, factors)], { transB: 1 }, MICROSOFT);
      const attributes = { transB: 1, alpha: { float: constant } };
      const operands = [strengthened(graph, small), upRows(graph, factors, rows)];
      return graph.op('FusedMatMul', operands, attributes, MICROSOFT);
    },
    convolve: (graph, x, window) => {
      const point: Window = { kernel_shape: [1, 1], pads: [0, 0, 0, 0], strides: [1, 1] };
      const small =
        mid === null
          ? convolved(graph, x, down, window)
          : convolved(graph, convolved(graph, x, down, point), mid, window);
      const raise = times(graph, graph.weight(up, [outputs, upRank, 1, 1]), { constant, live: null });
      return graph.op('Conv', [strengthened(graph, small), raise], { ...point });
    },
  };
}

function upRows(graph: GraphBuilder, { up }: LowRank, { first, last }: Rows): Value {
  const [outputs = 0] = up.shape;
  const matrix = { ...up, shape: [outputs, countOf(up.shape.slice(1))] };
  return graph.weightRows(matrix, first, last);
}

function downMatrix(graph: GraphBuilder, { down }: LowRank): Value {
  const [rank = 0, ...rest] = down.shape;
  return graph.weight(down, [rank, countOf(rest)]);
}
