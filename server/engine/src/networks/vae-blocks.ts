import type { GraphBuilder, Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import {
  attention,
  conv,
  floatTensor,
  groupNorm,
  linear,
  silu,
  toPlanes,
  toTokens,
  type NormStatistics,
} from './layers.ts';
import { upsampledConv } from './upsampled-conv.ts';

/** Planes on their way through the VAE. */
export interface Planes {
  readonly value: Value;
  readonly channels: number;
}

/** What the parts of a VAE are built into. */
export interface VaeScope {
  readonly graph: GraphBuilder;
  /** Of every group norm; default: those of its own planes. */
  readonly statistics?: NormStatistics;
}

const EPSILON = 1e-6;

/** How many levels there are below the prefix; one at least. */
export function levelsOf(weights: Weights): number {
  const levels = weights.count;
  if (levels === 0) weights.tensor('0.block.0.conv1.weight'); // throws: it is missing
  return levels;
}

/** How many residual blocks a level has; one at least. */
export function blocksOf(weights: Weights): number {
  const count = weights.under('block').count;
  if (count === 0) weights.tensor('block.0.conv1.weight'); // throws: it is missing
  return count;
}

/** The residual blocks of a level, each followed by attention where the weights have it. */
export function blocks(scope: VaeScope, weights: Weights, x: Planes): Planes {
  const count = blocksOf(weights);
  for (let index = 0; index < count; index += 1) {
    x = residual(scope, weights.under('block').under(index), x);
    const attn = weights.under('attn').under(index);
    if (attn.has('q.weight')) x = selfAttention(scope, attn, x);
  }
  return x;
}

/** The two blocks with attention between them, at the size of the latents. */
export function middle(scope: VaeScope, weights: Weights, x: Planes): Planes {
  x = residual(scope, weights.under('block_1'), x);
  x = selfAttention(scope, weights.under('attn_1'), x);
  return residual(scope, weights.under('block_2'), x);
}

/** Group norm, then SiLU. */
export function activated(scope: VaeScope, weights: Weights, x: Planes): Planes {
  return { ...x, value: silu(scope.graph, norm(scope, weights, x)) };
}

/** A 3x3 convolution. */
export function convolved({ graph }: VaeScope, weights: Weights, { value, channels }: Planes): Planes {
  return { value: conv(graph, weights, value, { inputs: channels }), channels: outputsOf(weights, channels) };
}

/** Twice the size. */
export function upsampled({ graph }: VaeScope, weights: Weights, { value, channels }: Planes): Planes {
  const outputs = outputsOf(weights, channels);
  return { value: upsampledConv(graph, weights, value, channels), channels: outputs };
}

/** Half the size; the zeros that the kernel needs are at the bottom and right only. */
export function halved({ graph }: VaeScope, weights: Weights, { value, channels }: Planes): Planes {
  const outputs = outputsOf(weights, channels);
  return {
    value: conv(graph, weights, value, { inputs: channels, stride: 2, pads: [0, 0, 1, 1] }),
    channels: outputs,
  };
}

/** Group norm, SiLU and convolution, twice, added to what came in. */
function residual(scope: VaeScope, weights: Weights, x: Planes): Planes {
  const first = residualFirst(scope, weights, x);
  return residualSecond(scope, weights, first, skipped(scope, weights, x));
}

/** The first half of a residual block. */
export function residualFirst(scope: VaeScope, weights: Weights, x: Planes): Planes {
  return convolved(scope, weights.under('conv1'), activated(scope, weights.under('norm1'), x));
}

/** The second half, added to what went past it. */
export function residualSecond(scope: VaeScope, weights: Weights, x: Planes, skip: Planes): Planes {
  const second = convolved(scope, weights.under('conv2'), activated(scope, weights.under('norm2'), x));
  return { ...second, value: scope.graph.op('Add', [skip.value, second.value]) };
}

/** What goes past a residual block: the planes themselves, or as many as come out of it. */
export function skipped({ graph }: VaeScope, weights: Weights, x: Planes): Planes {
  const shortcut = weights.under('nin_shortcut');
  const channels = outputsOf(weights.under('conv1'), x.channels);
  if (channels === x.channels && !shortcut.has('weight')) return x;
  return { value: conv(graph, shortcut, x.value, { inputs: x.channels }), channels };
}

/** One head over all pixels. */
function selfAttention(scope: VaeScope, weights: Weights, x: Planes): Planes {
  const { graph } = scope;
  const { value, channels } = x;
  const normed = toTokens(graph, norm(scope, weights.under('norm'), x), channels);
  const project = (name: string): Value => linear(graph, weights.under(name), normed, channels);
  const attended = attention(graph, [project('q'), project('k'), project('v')], { heads: 1 });
  const out = toPlanes(graph, linear(graph, weights.under('proj_out'), attended, channels), value);
  return { value: graph.op('Add', [value, out]), channels };
}

function norm({ graph, statistics }: VaeScope, weights: Weights, { value, channels }: Planes): Value {
  const options = { channels, epsilon: EPSILON, ...(statistics === undefined ? {} : { statistics }) };
  return groupNorm(graph, weights, value, options);
}

function outputsOf(weights: Weights, channels: number): number {
  return floatTensor(weights, 'weight', [null, channels, 3, 3]).shape[0] ?? 0;
}
