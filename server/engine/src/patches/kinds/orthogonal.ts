import type { GraphBuilder, Value } from '../../onnx/graph.ts';
import { countOf } from '../../weights/weight-source.ts';
import type { ModuleParts } from '../module-parts.ts';
import { towards, type WeightChange, type WeightSize } from '../weight-change.ts';
import { cayley } from './cayley.ts';

/** Far more than any layer has room for. */
const MAX_FACTORS = 16;

/** Square blocks in a file: `count` of them, `factors` times over. */
interface Blocks {
  readonly factors: number;
  readonly count: number;
  readonly side: number;
  readonly isButterfly: boolean;
  /** Makes the rotations, [factors, count, side, side]. */
  readonly rotations: (graph: GraphBuilder, outputs: number) => Value;
}

/**
 * OFT: the outputs of a layer are turned among themselves, block by block (Qiu et al. 2023, arXiv:2306.07280); BOFT does so
 * several times, with the outputs shuffled in between as in a fast Fourier transform (Liu et al. 2023, arXiv:2311.06243). As
 * the webui reads kohya's and LyCORIS's files: `oft_blocks` become rotations by Cayley's transform and alpha bounds their
 * size; `oft_diag` of older LyCORIS are used as they are.
 */
export function orthogonal(parts: ModuleParts): WeightChange | null {
  if (!parts.has('oft_blocks') && !parts.has('oft_diag')) return null;
  const blocks = readBlocks(parts);
  const outputs = blocks.count * blocks.side;
  const rescale = parts.has('rescale') ? parts.tensor('rescale') : null;
  if (rescale !== null) parts.requireEqual(countOf(rescale.shape), outputs, 'outputs and scales of outputs');
  return towards({
    kind: blocks.isButterfly ? 'boft' : 'oft',
    outputs,
    columns: null,
    copies: 4 + 5 * blocks.factors,
    isByRows: false,
    changed: (graph, weight, size) => {
      const rotations = blocks.rotations(graph, outputs);
      const turned = (blocks.isButterfly ? butterfly : turnedBlocks)(graph, weight, rotations, {
        blocks,
        size,
      });
      if (rescale === null) return turned;
      return graph.op('Mul', [turned, graph.weight(rescale, [outputs, 1])]);
    },
  });
}

function readBlocks(parts: ModuleParts): Blocks {
  const isRotation = !parts.has('oft_blocks');
  const tensor = parts.tensor(isRotation ? 'oft_diag' : 'oft_blocks');
  const dims = tensor.shape.length === 3 ? [1, ...tensor.shape] : tensor.shape;
  const [factors = 0, count = 0, side = 0, other] = dims;
  if (dims.length !== 4 || side !== other) {
    throw parts.error(`has blocks of shape [${tensor.shape.join(', ')}], which are no squares`);
  }
  const isButterfly = tensor.shape.length === 4;
  const smallest = 2 ** factors * (side / 2); // rows that the last shuffle moves together
  if (isButterfly && (side % 2 !== 0 || factors > MAX_FACTORS || (count * side) % smallest !== 0)) {
    throw parts.error(`has blocks of shape [${tensor.shape.join(', ')}], which cannot be shuffled`);
  }
  const constraint = isRotation ? null : parts.number('alpha');
  return {
    factors,
    count,
    side,
    isButterfly,
    rotations: (graph, outputs) => {
      const stored = graph.weight(tensor, dims);
      if (isRotation) return stored;
      return cayley(graph, stored, { side, bound: constraint === null ? 0 : constraint * outputs });
    },
  };
}

interface Turn {
  readonly blocks: Blocks;
  readonly size: WeightSize;
}

/** Rᵀ times each block of rows. */
function turnedBlocks(graph: GraphBuilder, weight: Value, rotations: Value, turn: Turn): Value {
  const { count, side } = turn.blocks;
  const columns = turn.size.inputs * turn.size.kernel;
  const squares = graph.op('Reshape', [rotations, graph.ints([count, side, side])]);
  const transposed = graph.op('Transpose', [squares], { perm: [0, 2, 1] });
  const rows = graph.op('Reshape', [weight, graph.ints([count, side, columns])]);
  return graph.op('Reshape', [graph.op('MatMul', [transposed, rows]), graph.ints([count * side, columns])]);
}

/** R times each block of rows, for each factor with the rows shuffled anew, and then shuffled back. */
function butterfly(graph: GraphBuilder, weight: Value, rotations: Value, turn: Turn): Value {
  const { factors, count, side } = turn.blocks;
  const outputs = count * side;
  const columns = turn.size.inputs * turn.size.kernel;
  const reshape = (value: Value, dims: readonly number[]): Value =>
    graph.op('Reshape', [value, graph.ints(dims)]);
  const shuffle = (value: Value, dims: readonly number[]): Value =>
    reshape(graph.op('Transpose', [reshape(value, dims)], { perm: [0, 2, 1, 3] }), [outputs, columns]);
  let rows = weight;
  for (let index = 0; index < factors; index += 1) {
    const stride = 2 ** index * (side / 2);
    const pairs = outputs / (2 * stride);
    const blocks = graph.op('Gather', [rotations, graph.ints([index])], { axis: 0 });
    const mixed = reshape(shuffle(rows, [pairs, 2, stride, columns]), [count, side, columns]);
    const turned = graph.op('MatMul', [reshape(blocks, [count, side, side]), mixed]);
    rows = shuffle(turned, [pairs, stride, 2, columns]);
  }
  return rows;
}
