import type { GraphBuilder, Value } from '../../onnx/graph.ts';
import { countOf } from '../../weights/weight-source.ts';
import { times } from '../factor.ts';
import type { ModuleParts } from '../module-parts.ts';
import type { Addition } from '../weight-change.ts';
import { fromTucker, transposed } from './tucker.ts';

/** LoKr: the Kronecker product of two matrices, each whole or factored. Yeh et al. 2023, arXiv:2309.14859, section 3.2. */
export function kronecker(parts: ModuleParts): Addition | null {
  if (!parts.parts.some((part) => part.startsWith('lokr_'))) return null;
  const left = operand(parts, 'lokr_w1');
  const right = parts.has('lokr_t2') ? tuckerOperand(parts) : operand(parts, 'lokr_w2');
  const outputs = left.rows * right.rows;
  const columns = left.columns * right.columns;
  return {
    kind: 'lokr',
    outputs,
    columns,
    copies: 3,
    isByRows: false,
    scale: parts.scale(right.rank ?? left.rank),
    update: (graph, _rows, factor) => {
      const blocks = graph.op('Mul', [
        graph.op('Reshape', [times(graph, left.make(graph), factor), grid(graph, left, 0)]),
        graph.op('Reshape', [right.make(graph), grid(graph, right, 1)]),
      ]);
      return graph.op('Reshape', [blocks, graph.ints([outputs, columns])]);
    },
  };
}

interface Operand {
  readonly rows: number;
  readonly columns: number;
  /** Null if it is whole. */
  readonly rank: number | null;
  make(graph: GraphBuilder): Value;
}

/** Dims that make the product of two matrices run over all pairs of their values: [a, 1, b, 1] and [1, c, 1, d]. */
function grid(graph: GraphBuilder, { rows, columns }: Operand, place: 0 | 1): Value {
  return graph.ints(place === 0 ? [rows, 1, columns, 1] : [1, rows, 1, columns]);
}

function operand(parts: ModuleParts, name: 'lokr_w1' | 'lokr_w2'): Operand {
  if (parts.has(name)) {
    const { tensor, rows, columns } = parts.matrix(name);
    return { rows, columns, rank: null, make: (graph) => graph.weight(tensor, [rows, columns]) };
  }
  const a = parts.matrix(`${name}_a`);
  const b = parts.matrix(`${name}_b`);
  parts.requireEqual(a.columns, b.rows, 'ranks');
  return {
    rows: a.rows,
    columns: b.columns,
    rank: b.rows,
    make: (graph) =>
      graph.op('MatMul', [
        graph.weight(a.tensor, [a.rows, a.columns]),
        graph.weight(b.tensor, [b.rows, b.columns]),
      ]),
  };
}

function tuckerOperand(parts: ModuleParts): Operand {
  const a = parts.matrix('lokr_w2_a');
  const b = parts.matrix('lokr_w2_b');
  const t = parts.matrix('lokr_t2');
  const [outer = 0, innerRank = 0, ...window] = t.tensor.shape;
  parts.requireEqual(a.rows, outer, 'ranks');
  parts.requireEqual(b.rows, innerRank, 'ranks');
  const kernel = countOf(window);
  return {
    rows: a.columns,
    columns: b.columns * kernel,
    rank: b.rows,
    make: (graph) =>
      fromTucker(graph, {
        up: transposed(graph, graph.weight(a.tensor, [a.rows, a.columns])),
        mid: graph.weight(t.tensor, [outer, innerRank * kernel]),
        downTransposed: transposed(graph, graph.weight(b.tensor, [b.rows, b.columns])),
        outputs: a.columns,
        inputs: b.columns,
        innerRank,
        kernel,
      }),
  };
}
