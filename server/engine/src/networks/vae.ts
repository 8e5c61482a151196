import { GraphBuilder, type OnnxModel, type Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { attention, conv, floatTensor, groupNorm, linear, silu, toPlanes, toTokens } from './layers.ts';
import { upsampledConv } from './upsampled-conv.ts';

export interface VaeModel extends OnnxModel {
  readonly latentChannels: number;
  /** Pixels along the side of one latent. */
  readonly factor: number;
  /** Memory that a run takes for each latent pixel, about: at most four of the largest planes are alive at once. */
  readonly runBytesPerLatent: number;
}
/** Measured for the decoder at 512x512: 1.06 GB, with a largest plane of 256 MiB. */
const PLANES_ALIVE = 4;

interface Planes {
  readonly value: Value;
  readonly channels: number;
}
const NORM = { epsilon: 1e-6 } as const;
/** The log-variance is kept in this range, as the original does, so that its exponential is finite. */
const LOGVAR_RANGE = [-30, 20] as const;

/**
 * Decoder of the VAE of Stable Diffusion. Rombach et al. 2022, arXiv:2112.10752, layout of the original code
 * (`decoder.*`, `post_quant_conv`).
 *
 * Input `latents`, unscaled, [batch, channels, height, width]; output `pixels` [batch, 3, factor · height, factor · width].
 */
export function vaeDecoder(weights: Weights): VaeModel {
  const graph = new GraphBuilder();
  const decoder = weights.under('decoder');
  const [, fromLatents = 0] = floatTensor(decoder, 'conv_in.weight', [null, null, 3, 3]).shape;
  const quant = weights.under('post_quant_conv');
  const hasQuant = quant.has('weight');
  const latentChannels = hasQuant
    ? (floatTensor(quant, 'weight', [fromLatents, null, 1, 1]).shape[1] ?? 0)
    : fromLatents;

  const latents = graph.input('latents', 'float', ['batch', latentChannels, 'height', 'width']);
  const widened = hasQuant ? conv(graph, quant, latents, { inputs: latentChannels }) : latents;
  let x = convolved(graph, decoder.under('conv_in'), { value: widened, channels: fromLatents });
  x = middle(graph, decoder.under('mid'), x);
  const levels = levelsOf(decoder.under('up'));
  let area = 1; // of the present level, in latent pixels
  let largest = x.channels;
  for (let level = levels - 1; level >= 0; level -= 1) {
    const stage = decoder.under('up').under(level);
    x = blocks(graph, stage, x);
    if (level > 0) {
      x = upsampled(graph, stage.under('upsample').under('conv'), x);
      area *= 4;
    }
    largest = Math.max(largest, area * x.channels);
  }
  const normed = silu(
    graph,
    groupNorm(graph, decoder.under('norm_out'), x.value, { channels: x.channels, ...NORM }),
  );
  floatTensor(decoder, 'conv_out.weight', [3, x.channels, 3, 3]);
  const pixels = conv(graph, decoder.under('conv_out'), normed, { inputs: x.channels });
  graph.output('pixels', pixels, ['batch', 3, 'pixel_height', 'pixel_width']);
  const runBytesPerLatent = 4 * PLANES_ALIVE * largest;
  return {
    ...graph.build('VAE decoder'),
    blocksChannels: true,
    latentChannels,
    factor: 2 ** (levels - 1),
    runBytesPerLatent,
  };
}

/**
 * Encoder of the same VAE (`encoder.*`, `quant_conv`).
 *
 * Input `pixels` in −1…1 [batch, 3, height, width]; outputs `mean` and `logvar` of the posterior, unscaled.
 */
export function vaeEncoder(weights: Weights): VaeModel {
  const graph = new GraphBuilder();
  const encoder = weights.under('encoder');
  const pixels = graph.input('pixels', 'float', ['batch', 3, 'pixel_height', 'pixel_width']);
  let x = convolved(graph, encoder.under('conv_in'), { value: pixels, channels: 3 });
  const levels = levelsOf(encoder.under('down'));
  const factor = 2 ** (levels - 1);
  let largest = 0;
  for (let level = 0; level < levels; level += 1) {
    const stage = encoder.under('down').under(level);
    x = blocks(graph, stage, x);
    largest = Math.max(largest, x.channels * (factor / 2 ** level) ** 2);
    if (level < levels - 1) x = halved(graph, stage.under('downsample').under('conv'), x);
  }
  x = middle(graph, encoder.under('mid'), x);
  const normed = silu(
    graph,
    groupNorm(graph, encoder.under('norm_out'), x.value, { channels: x.channels, ...NORM }),
  );
  let moments = convolved(graph, encoder.under('conv_out'), { value: normed, channels: x.channels });
  const quant = weights.under('quant_conv');
  if (quant.has('weight')) {
    const [channels = 0] = floatTensor(quant, 'weight', [null, moments.channels, 1, 1]).shape;
    moments = { value: conv(graph, quant, moments.value, { inputs: moments.channels }), channels };
  }
  const latentChannels = moments.channels / 2;
  const [mean, logvar] = graph.op2('Split', [moments.value], { axis: 1, num_outputs: 2 });
  const [low, high] = LOGVAR_RANGE.map((limit) => graph.floats([limit], [])) as [Value, Value];
  const dims = ['batch', latentChannels, 'height', 'width'];
  graph.output('mean', mean, dims);
  graph.output('logvar', graph.op('Clip', [logvar, low, high]), dims);
  const runBytesPerLatent = 4 * PLANES_ALIVE * largest;
  return { ...graph.build('VAE encoder'), blocksChannels: true, latentChannels, factor, runBytesPerLatent };
}

function levelsOf(weights: Weights): number {
  const levels = weights.count;
  if (levels === 0) weights.tensor('0.block.0.conv1.weight'); // throws: it is missing
  return levels;
}

/** The residual blocks of a level, each followed by attention where the weights have it. */
function blocks(graph: GraphBuilder, weights: Weights, x: Planes): Planes {
  const count = weights.under('block').count;
  if (count === 0) weights.tensor('block.0.conv1.weight'); // throws: it is missing
  for (let index = 0; index < count; index += 1) {
    x = residual(graph, weights.under('block').under(index), x);
    const attn = weights.under('attn').under(index);
    if (attn.has('q.weight')) x = selfAttention(graph, attn, x);
  }
  return x;
}

function middle(graph: GraphBuilder, weights: Weights, x: Planes): Planes {
  x = residual(graph, weights.under('block_1'), x);
  x = selfAttention(graph, weights.under('attn_1'), x);
  return residual(graph, weights.under('block_2'), x);
}

function residual(graph: GraphBuilder, weights: Weights, x: Planes): Planes {
  const norm = (name: string, from: Planes): Planes => ({
    ...from,
    value: silu(
      graph,
      groupNorm(graph, weights.under(name), from.value, { channels: from.channels, ...NORM }),
    ),
  });
  const first = convolved(graph, weights.under('conv1'), norm('norm1', x));
  const second = convolved(graph, weights.under('conv2'), norm('norm2', first));
  const shortcut = weights.under('nin_shortcut');
  const isSame = first.channels === x.channels && !shortcut.has('weight');
  const skip = isSame ? x.value : conv(graph, shortcut, x.value, { inputs: x.channels });
  return { value: graph.op('Add', [skip, second.value]), channels: second.channels };
}

/** One head over all pixels. */
function selfAttention(graph: GraphBuilder, weights: Weights, { value, channels }: Planes): Planes {
  const normed = toTokens(
    graph,
    groupNorm(graph, weights.under('norm'), value, { channels, ...NORM }),
    channels,
  );
  const project = (name: string): Value => linear(graph, weights.under(name), normed, channels);
  const attended = attention(graph, [project('q'), project('k'), project('v')], { heads: 1 });
  const out = toPlanes(graph, linear(graph, weights.under('proj_out'), attended, channels), value);
  return { value: graph.op('Add', [value, out]), channels };
}

function convolved(graph: GraphBuilder, weights: Weights, { value, channels }: Planes): Planes {
  const [outputs = 0] = floatTensor(weights, 'weight', [null, channels, 3, 3]).shape;
  return { value: conv(graph, weights, value, { inputs: channels }), channels: outputs };
}

/** Twice the size. */
function upsampled(graph: GraphBuilder, weights: Weights, { value, channels }: Planes): Planes {
  const [outputs = 0] = floatTensor(weights, 'weight', [null, channels, 3, 3]).shape;
  return { value: upsampledConv(graph, weights, value, channels), channels: outputs };
}

/** Half the size; the zeros that the kernel needs are at the bottom and right only. */
function halved(graph: GraphBuilder, weights: Weights, { value, channels }: Planes): Planes {
  const [outputs = 0] = floatTensor(weights, 'weight', [null, channels, 3, 3]).shape;
  return {
    value: conv(graph, weights, value, { inputs: channels, stride: 2, pads: [0, 0, 1, 1] }),
    channels: outputs,
  };
}
