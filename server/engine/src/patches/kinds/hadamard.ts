import { MICROSOFT, type GraphBuilder, type Rows, type Value } from '../../onnx/graph.ts';
import type { LiveBranch } from '../../onnx/live-branch.ts';
import { countOf } from '../../weights/weight-source.ts';
import { times, type Factor } from '../factor.ts';
import type { ModuleParts } from '../module-parts.ts';
import type { Addition } from '../weight-change.ts';
import { fromTucker, transposed } from './tucker.ts';

type Half = readonly [first: 'hada_w1_a' | 'hada_w2_a', second: 'hada_w1_b' | 'hada_w2_b'];
const HALVES: readonly [Half, Half] = [
  ['hada_w1_a', 'hada_w1_b'],
  ['hada_w2_a', 'hada_w2_b'],
];
const CORES = ['hada_t1', 'hada_t2'] as const;

/** LoHa: the product, value by value, of two low-rank updates. Hyeon-Woo et al. 2021, arXiv:2108.06098. */
export function hadamard(parts: ModuleParts): Addition | null {
  if (!parts.parts.some((part) => part.startsWith('hada_'))) return null;
  const isTucker = CORES.some((core) => parts.has(core));
  const [one, other] = HALVES.map((half, index) =>
    isTucker ? tuckerHalf(parts, half, CORES[index as 0 | 1]) : plainHalf(parts, half),
  ) as [Factored, Factored];
  parts.requireEqual(one.outputs, other.outputs, 'halves');
  parts.requireEqual(one.columns, other.columns, 'halves');
  return {
    kind: 'loha',
    outputs: one.outputs,
    columns: one.columns,
    copies: isTucker ? 8 : 4,
    isByRows: !isTucker,
    scale: parts.scale(one.rank),
    update: (graph, rows, factor) =>
      graph.op('Mul', [one.make(graph, rows, factor), other.make(graph, rows, UNCHANGED)]),
    ...(isTucker || one.rank * other.rank > LIVE_RANK ? {} : { branch: (factor) => branchOf(parts, factor) }),
  };
}

const UNCHANGED: Factor = { constant: 1, live: null };
/**
 * The product of updates of ranks r and s is one of rank r · s, and as a branch costs as much as a LoRA of that rank; up to
 * here that is little beside the layer.
 */
const LIVE_RANK = 64;

interface Factored {
  readonly outputs: number;
  readonly columns: number;
  readonly rank: number;
  make(graph: GraphBuilder, rows: Rows, factor: Factor): Value;
}

function plainHalf(parts: ModuleParts, [first, second]: Half): Factored {
  const a = parts.matrix(first);
  const b = parts.matrix(second);
  parts.requireEqual(a.columns, b.rows, 'ranks');
  return {
    outputs: a.rows,
    columns: b.columns,
    rank: b.rows,
    make: (graph, rows, factor) => {
      const up = graph.weightRows({ ...a.tensor, shape: [a.rows, a.columns] }, rows.first, rows.last);
      const down = graph.weight(b.tensor, [b.rows, b.columns]);
      return graph.op('MatMul', [times(graph, up, factor), down]);
    },
  };
}

function tuckerHalf(parts: ModuleParts, [first, second]: Half, core: (typeof CORES)[number]): Factored {
  const a = parts.matrix(first);
  const b = parts.matrix(second);
  const t = parts.matrix(core);
  const [outer = 0, innerRank = 0, ...window] = t.tensor.shape;
  parts.requireEqual(a.rows, outer, 'ranks');
  parts.requireEqual(b.rows, innerRank, 'ranks');
  const kernel = countOf(window);
  return {
    outputs: a.columns,
    columns: b.columns * kernel,
    rank: b.rows,
    make: (graph, _rows, factor) =>
      fromTucker(graph, {
        up: times(graph, transposed(graph, graph.weight(a.tensor, [a.rows, a.columns])), factor),
        mid: graph.weight(t.tensor, [outer, innerRank * kernel]),
        downTransposed: transposed(graph, graph.weight(b.tensor, [b.rows, b.columns])),
        outputs: a.columns,
        inputs: b.columns,
        innerRank,
        kernel,
      }),
  };
}

/**
 * (A₁B₁) ∘ (A₂B₂) = (A₁ ⊙ A₂)(B₁ ⊙ B₂), with each row of the A and each column of the B multiplied out (Khatri & Rao
 * 1968); the factors are folded.
 */
function branchOf(parts: ModuleParts, { constant, live }: Factor): LiveBranch {
  const [a1, a2] = HALVES.map(([part]) => parts.matrix(part)) as [Matrix, Matrix];
  const [b1, b2] = HALVES.map(([, part]) => parts.matrix(part)) as [Matrix, Matrix];
  const rank = b1.rows * b2.rows;
  const up = (graph: GraphBuilder, { first, last }: Rows): Value => {
    const factors = [a1, a2].map(({ tensor, rows, columns }, index) => {
      const matrix = graph.weightRows({ ...tensor, shape: [rows, columns] }, first, last);
      const dims = index === 0 ? [last - first, columns, 1] : [last - first, 1, columns];
      return graph.op('Reshape', [matrix, graph.ints(dims)]);
    });
    return graph.op('Reshape', [graph.op('Mul', factors), graph.ints([last - first, rank])]);
  };
  const down = (graph: GraphBuilder, dims: readonly number[]): Value => {
    const factors = [
      graph.weight(b1.tensor, [b1.rows, 1, b1.columns]),
      graph.weight(b2.tensor, [1, b2.rows, b2.columns]),
    ];
    return graph.op('Reshape', [graph.op('Mul', factors), graph.ints(dims)]);
  };
  const strengthened = (graph: GraphBuilder, x: Value): Value => times(graph, x, { constant: 1, live });
  return {
    multiply: (graph, x, rows) => {
      const small = graph.op('FusedMatMul', [x, down(graph, [rank, b1.columns])], { transB: 1 }, MICROSOFT);
      const attributes = { transB: 1, alpha: { float: constant } };
      return graph.op('FusedMatMul', [strengthened(graph, small), up(graph, rows)], attributes, MICROSOFT);
    },
    convolve: (graph, x, window) => {
      const inputs = b1.columns / countOf(window.kernel_shape);
      const kernel = down(graph, [rank, inputs, ...window.kernel_shape]);
      const small = graph.op('Conv', [x, kernel], { ...window });
      const all = up(graph, { first: 0, last: a1.rows });
      const raise = graph.op('Reshape', [
        times(graph, all, { constant, live: null }),
        graph.ints([a1.rows, rank, 1, 1]),
      ]);
      return graph.op('Conv', [strengthened(graph, small), raise], { kernel_shape: [1, 1] });
    },
  };
}

type Matrix = ReturnType<ModuleParts['matrix']>;
