import { EngineError } from '../errors.ts';
import { MICROSOFT, type GraphBuilder, type Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import type { AttentionHooks, AttentionSite, AttentionSources } from './attention-hooks.ts';
import {
  attention,
  conv,
  floatTensor,
  groupNorm,
  layerNorm,
  linear,
  matrix,
  silu,
  timesWeight,
  toPlanes,
  toTokens,
  upsampleTo,
} from './layers.ts';

/*
 * What the UNet and the ControlNets are built of, in the layout of the original code. Rombach et al. 2022,
 * arXiv:2112.10752. What each block is made of is read from the names in it.
 */

/** How an attention is divided into heads; the weights do not tell. SD 1.x fixes their number, later families their width. */
export type HeadRule = { readonly heads: number } | { readonly headWidth: number };

/** Planes with their number of channels. */
export interface Planes {
  readonly value: Value;
  readonly channels: number;
}
/** What all blocks of a network share. */
export interface BlockContext {
  readonly graph: GraphBuilder;
  readonly heads: HeadRule;
  /** silu of the embedded timestep, [1 or batch, width]. */
  readonly time: Value;
  readonly timeWidth: number;
  /** Text conditioning, [batch, tokens, width]. */
  readonly text: Value;
  readonly textWidth: number;
  readonly hooks: readonly AttentionHooks[];
  /** How many attentions have been built, for hooks that count them. */
  readonly attentions: { own: number; cross: number };
}

/** A block is a list of parts, each told by names that only its kind has. */
export function block(context: BlockContext, weights: Weights, x: Planes, nextSkip: Planes | null): Planes {
  const parts = weights.count;
  if (parts === 0) weights.tensor('0.in_layers.0.weight'); // throws: it is missing
  for (let index = 0; index < parts; index += 1) x = part(context, weights.under(index), x, nextSkip);
  return x;
}

function part(context: BlockContext, weights: Weights, x: Planes, nextSkip: Planes | null): Planes {
  const { graph } = context;
  if (!weights.under('transformer_blocks').isEmpty) return spatialTransformer(context, weights, x);
  if (!weights.under('op').isEmpty) return convolved(graph, weights.under('op'), x, 2);
  if (!weights.under('conv').isEmpty) {
    // The next skip's size rather than twice the own one: an odd size was rounded up on the way down.
    const value = nextSkip === null ? x.value : upsampleTo(graph, x.value, nextSkip.value);
    return convolved(graph, weights.under('conv'), { ...x, value }, 1);
  }
  if (weights.has('weight')) return convolved(graph, weights, x, 1);
  return residual(context, weights, x);
}

export function convolved(
  graph: GraphBuilder,
  weights: Weights,
  { value, channels }: Planes,
  stride: number,
): Planes {
  const [outputs = 0] = floatTensor(weights, 'weight', [null, channels, 3, 3]).shape;
  return { value: conv(graph, weights, value, { inputs: channels, stride }), channels: outputs };
}

/** Residual block with the timestep added between its convolutions. */
function residual({ graph, time, timeWidth }: BlockContext, weights: Weights, x: Planes): Planes {
  const into = weights.under('in_layers');
  const out = weights.under('out_layers');
  const normed = silu(
    graph,
    groupNorm(graph, into.under(0), x.value, { channels: x.channels, epsilon: 1e-5 }),
  );
  const first = convolved(graph, into.under(2), { value: normed, channels: x.channels }, 1);
  const { channels } = first;
  floatTensor(weights, 'emb_layers.1.weight', [channels, timeWidth]);
  const shift = linear(graph, weights.under('emb_layers').under(1), time, timeWidth);
  const shifted = graph.op('Add', [
    first.value,
    graph.op('Reshape', [shift, graph.ints([0, channels, 1, 1])]),
  ]);
  const active = silu(graph, groupNorm(graph, out.under(0), shifted, { channels, epsilon: 1e-5 }));
  floatTensor(out, '3.weight', [channels, channels, 3, 3]);
  const second = conv(graph, out.under(3), active, { inputs: channels });
  const isSame = channels === x.channels && !weights.has('skip_connection.weight');
  const skip = isSame
    ? x.value
    : conv(graph, weights.under('skip_connection'), x.value, { inputs: x.channels });
  return { value: graph.op('Add', [skip, second]), channels };
}

/** Attention blocks over pixels as tokens, between two projections (1x1 convolutions or matrices). */
function spatialTransformer(context: BlockContext, weights: Weights, x: Planes): Planes {
  const { graph } = context;
  const normed = groupNorm(graph, weights.under('norm'), x.value, { channels: x.channels, epsilon: 1e-6 });
  const width = matrix(weights.under('proj_in'), x.channels).shape[0] ?? 0;
  const heads = headsOf(context.heads, width, weights);
  const blocks = weights.under('transformer_blocks');
  if (blocks.count === 0) blocks.tensor('0.norm1.weight'); // throws: it is missing
  let tokens = linear(graph, weights.under('proj_in'), toTokens(graph, normed, x.channels), x.channels);
  for (let index = 0; index < blocks.count; index += 1) {
    tokens = transformerBlock(context, blocks.under(index), tokens, { width, heads });
  }
  const projected = linear(graph, weights.under('proj_out'), tokens, width);
  return { value: graph.op('Add', [toPlanes(graph, projected, x.value), x.value]), channels: x.channels };
}

function headsOf(rule: HeadRule, width: number, weights: Weights): number {
  const heads = 'heads' in rule ? rule.heads : Math.max(1, Math.floor(width / rule.headWidth));
  if (width % heads === 0) return heads;
  throw new EngineError(
    'model-invalid',
    `"${weights.prefix}" is ${width} wide, no multiple of its ${heads} heads.`,
  );
}

interface TokenShape {
  readonly width: number;
  readonly heads: number;
}

/** Attention to itself, attention to the text, and a gated feed-forward layer; each adds to its input. */
function transformerBlock(context: BlockContext, weights: Weights, x: Value, shape: TokenShape): Value {
  const { graph, text, textWidth, attentions } = context;
  const { width, heads } = shape;
  const norm = (name: string, value: Value): Value => layerNorm(graph, weights.under(name), value, width);
  const own = norm('norm1', x);
  const toOwn: AttentionSite = {
    graph,
    weights: weights.under('attn1'),
    isCross: false,
    index: attentions.own++,
    width,
    sourceWidth: width,
    heads,
  };
  x = graph.op('Add', [x, attend(context, toOwn, own, own)]);
  const toText: AttentionSite = {
    ...toOwn,
    weights: weights.under('attn2'),
    isCross: true,
    index: attentions.cross++,
    sourceWidth: textWidth,
  };
  x = graph.op('Add', [x, attend(context, toText, norm('norm2', x), text)]);
  return graph.op('Add', [x, feedForward(graph, weights.under('ff').under('net'), norm('norm3', x), width)]);
}

/** Of the projections into attention. */
const NO_BIAS = { hasBias: false };

function attend({ hooks }: BlockContext, site: AttentionSite, to: Value, from: Value): Value {
  const { graph, weights, width, sourceWidth, heads } = site;
  const inner = matrix(weights.under('to_q'), width).shape[0] ?? 0;
  const query = linear(graph, weights.under('to_q'), to, width, NO_BIAS);
  const sources = hooks.reduce<AttentionSources>((before, { sources }) => sources?.(site, before) ?? before, {
    key: from,
    value: from,
  });
  const key = linear(graph, weights.under('to_k'), sources.key, sourceWidth, NO_BIAS);
  const value = linear(graph, weights.under('to_v'), sources.value, sourceWidth, NO_BIAS);
  let attended = attention(graph, [query, key, value], { heads });
  for (const { addition } of hooks) {
    const more = addition?.(site, query) ?? null;
    if (more !== null) attended = graph.op('Add', [attended, more]);
  }
  return linear(graph, weights.under('to_out').under(0), attended, inner);
}

/** GEGLU. Shazeer 2020, arXiv:2002.05202. The halves of its one matrix are used where they lie, so nothing is split. */
function feedForward(graph: GraphBuilder, weights: Weights, x: Value, width: number): Value {
  const projection = weights.under(0).under('proj');
  const weight = matrix(projection, width);
  const both = weight.shape[0] ?? 0;
  const bias = floatTensor(projection, 'bias', [both]);
  const half = both / 2;
  const [value, gate] = [0, half].map((row) => ({
    product: timesWeight(graph, x, weight, { first: row, last: row + half }),
    bias: graph.weightRows(bias, row, row + half),
  })) as [{ product: Value; bias: Value }, { product: Value; bias: Value }];
  const raised = graph.op('Add', [value.product, value.bias]);
  const opening = graph.op('BiasGelu', [gate.product, gate.bias], {}, MICROSOFT);
  return linear(graph, weights.under(2), graph.op('Mul', [raised, opening]), half);
}
