import type { GraphBuilder, Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { floatTensor } from './layers.ts';

/**
 * Every pixel made 2x2, then a 3x3 convolution that keeps the size; as four 2x2 convolutions before the enlargement, one
 * for each pixel of the 2x2. Where two taps of the kernel see the same pixel their weights are added, once, when the session
 * opens. That is 4/9 of the multiplications (16 % off a whole VAE decode) and never stores the enlarged input.
 *
 * Input [batch, inputs, height, width]; result [batch, outputs, 2 · height, 2 · width].
 */
export function upsampledConv(graph: GraphBuilder, weights: Weights, x: Value, inputs: number): Value {
  const weight = floatTensor(weights, 'weight', [null, inputs, 3, 3]);
  const [outputs = 0] = weight.shape;
  const taps = graph.weight(weight, [outputs * inputs, 9]);
  const bias = weights.has('bias') ? [graph.weight(floatTensor(weights, 'bias', [outputs]))] : [];
  const phases = [0, 1].flatMap((row) =>
    [0, 1].map((column) => {
      const merged = graph.op('MatMul', [taps, graph.floats(mergedTaps(row, column), [9, 4])]);
      const kernel = graph.op('Reshape', [merged, graph.ints([outputs, inputs, 2, 2])]);
      const pads = [1 - row, 1 - column, row, column];
      return graph.op('Conv', [x, kernel, ...bias], { kernel_shape: [2, 2], pads });
    }),
  );
  return graph.op('DepthToSpace', [graph.op('Concat', phases, { axis: 1 })], { blocksize: 2, mode: 'DCR' });
}

/**
 * Which of the four weights each of the nine taps is added to, as a matrix [9, 4], for the pixel at (row, column) of a 2x2.
 * An enlarged row 2i + row + k - 1 is row i + ⌊(row + k - 1) / 2⌋ before, the first of the two that are seen being i + row - 1.
 */
function mergedTaps(row: number, column: number): Float32Array {
  const matrix = new Float32Array(9 * 4);
  for (let tap = 0; tap < 9; tap += 1) {
    const y = Math.floor((row + Math.floor(tap / 3) + 1) / 2) - row;
    const x = Math.floor((column + (tap % 3) + 1) / 2) - column;
    matrix[4 * tap + 2 * y + x] = 1;
  }
  return matrix;
}
