import type { Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { conv, floatTensor } from './layers.ts';
import {
  activated,
  blocks,
  convolved,
  halved,
  levelsOf,
  middle,
  type Planes,
  type VaeScope,
} from './vae-blocks.ts';

/** Everything until the size is that of the latents: convolutions and group norms only. */
export function encoderFront(scope: VaeScope, weights: Weights, pixels: Value): Planes {
  const encoder = weights.under('encoder');
  const down = encoder.under('down');
  let x = convolved(scope, encoder.under('conv_in'), { value: pixels, channels: 3 });
  for (let level = 0; level < levelsOf(down) - 1; level += 1) {
    x = blocks(scope, down.under(level), x);
    x = halved(scope, down.under(level).under('downsample').under('conv'), x);
  }
  return x;
}

/** The rest, at the size of the latents: the last level, the middle with its attention, mean and log-variance in one. */
export function encoderBack(scope: VaeScope, weights: Weights, front: Planes): Planes {
  const encoder = weights.under('encoder');
  const down = encoder.under('down');
  let x = blocks(scope, down.under(levelsOf(down) - 1), front);
  x = middle(scope, encoder.under('mid'), x);
  x = activated(scope, encoder.under('norm_out'), x);
  const moments = convolved(scope, encoder.under('conv_out'), x);
  const quant = weights.under('quant_conv');
  if (!quant.has('weight')) return moments;
  const [channels = 0] = floatTensor(quant, 'weight', [null, moments.channels, 1, 1]).shape;
  return { value: conv(scope.graph, quant, moments.value, { inputs: moments.channels }), channels };
}

/** Values of the largest plane for each latent. */
export function largestPlane(weights: Weights): number {
  const down = weights.under('encoder').under('down');
  const levels = levelsOf(down);
  let largest = 0;
  for (let level = 0; level < levels; level += 1) {
    const block = down.under(level).under('block').under(0);
    const [channels = 0] = floatTensor(block, 'conv2.weight', [null, null, 3, 3]).shape;
    largest = Math.max(largest, channels * 4 ** (levels - 1 - level));
  }
  return largest;
}
