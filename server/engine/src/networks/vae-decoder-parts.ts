import type { Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { conv, floatTensor } from './layers.ts';
import {
  activated,
  blocks,
  blocksOf,
  convolved,
  levelsOf,
  middle,
  upsampled,
  type Planes,
  type VaeScope,
} from './vae-blocks.ts';

/** What the decoder's first layer asks for. */
export function latentChannelsOf(weights: Weights): number {
  const quant = weights.under('post_quant_conv');
  const [, channels = 0] = floatTensor(weights.under('decoder'), 'conv_in.weight', [null, null, 3, 3]).shape;
  if (!quant.has('weight')) return channels;
  return floatTensor(quant, 'weight', [channels, null, 1, 1]).shape[1] ?? 0;
}

/** All that is done at the size of the latents: the middle with its attention, and the blocks of the last level. */
export function decoderHead(scope: VaeScope, weights: Weights, latents: Value): Planes {
  const decoder = weights.under('decoder');
  const quant = weights.under('post_quant_conv');
  const inputs = latentChannelsOf(weights);
  const [, channels = 0] = floatTensor(decoder, 'conv_in.weight', [null, null, 3, 3]).shape;
  const value = quant.has('weight') ? conv(scope.graph, quant, latents, { inputs }) : latents;
  let x = convolved(scope, decoder.under('conv_in'), { value, channels });
  x = middle(scope, decoder.under('mid'), x);
  const up = decoder.under('up');
  return blocks(scope, up.under(levelsOf(up) - 1), x);
}

/** The rest: one enlargement after the other, to pixels. Convolutions and group norms only. */
export function decoderTail(scope: VaeScope, weights: Weights, head: Planes): Value {
  const decoder = weights.under('decoder');
  const up = decoder.under('up');
  let x = head;
  for (let level = levelsOf(up) - 1; level > 0; level -= 1) {
    x = upsampled(scope, up.under(level).under('upsample').under('conv'), x);
    x = blocks(scope, up.under(level - 1), x);
  }
  x = activated(scope, decoder.under('norm_out'), x);
  floatTensor(decoder, 'conv_out.weight', [3, x.channels, 3, 3]);
  return convolved(scope, decoder.under('conv_out'), x).value;
}

/** Values of the largest plane for each latent. */
export function largestPlane(weights: Weights): number {
  const up = weights.under('decoder').under('up');
  const top = levelsOf(up) - 1;
  let channels = channelsAfter(up.under(top));
  let largest = channels;
  for (let level = top - 1, area = 4; level >= 0; level -= 1, area *= 4) {
    largest = Math.max(largest, area * channels); // just enlarged
    channels = channelsAfter(up.under(level));
    largest = Math.max(largest, area * channels);
  }
  return largest;
}

function channelsAfter(level: Weights): number {
  const last = level.under('block').under(blocksOf(level) - 1);
  return floatTensor(last, 'conv2.weight', [null, null, 3, 3]).shape[0] ?? 0;
}
