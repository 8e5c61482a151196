import { EngineError } from '../errors.ts';
import { GraphBuilder, MICROSOFT, type OnnxModel, type Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import {
  attention,
  conv,
  floatTensor,
  groupNorm,
  layerNorm,
  linear,
  matrix,
  silu,
  timesTransposed,
  toPlanes,
  toTokens,
  upsampleTo,
} from './layers.ts';

export interface UnetModel extends OnnxModel {
  readonly inputChannels: number;
  readonly outputChannels: number;
  /** Width of the text conditioning. */
  readonly contextWidth: number;
  /** Memory that a run takes for each latent pixel, about; a bit more than was measured. */
  readonly runBytesPerLatent: number;
}
export interface UnetOptions {
  /** Attention heads on every level; the weights do not tell. */
  readonly heads: number;
}

/** Planes with their number of channels. */
interface Planes {
  readonly value: Value;
  readonly channels: number;
}
interface Context {
  readonly graph: GraphBuilder;
  readonly heads: number;
  /** silu of the embedded timestep, [1, width]. */
  readonly time: Value;
  readonly timeWidth: number;
  /** Text conditioning, [batch, tokens, width]. */
  readonly text: Value;
  readonly textWidth: number;
}

/**
 * The denoising network of Stable Diffusion, in the layout of the original code (`input_blocks`, `middle_block`,
 * `output_blocks`). Rombach et al. 2022, arXiv:2112.10752. What each block is made of is read from the names in it, so
 * levels, widths, residual blocks a level, attention and its depth may be any.
 *
 * Inputs `sample` [batch, channels, height, width], `timestep` [1], `context` [batch, tokens, width]; output `out`.
 */
export function unet(weights: Weights, { heads }: UnetOptions): UnetModel {
  const graph = new GraphBuilder();
  const first = floatTensor(weights, 'input_blocks.0.0.weight', [null, null, 3, 3]);
  const [baseChannels = 0, inputChannels = 0] = first.shape;
  const textWidth = contextWidthOf(weights);

  const sample = graph.input('sample', 'float', ['batch', inputChannels, 'height', 'width']);
  const timestep = graph.input('timestep', 'float', [1]);
  const text = graph.input('context', 'float', ['batch', 'tokens', textWidth]);
  const { time, timeWidth } = embedTime(graph, weights.under('time_embed'), timestep, baseChannels);
  const context: Context = { graph, heads, time, timeWidth, text, textWidth };

  const inputs = weights.under('input_blocks');
  const skips: Planes[] = [];
  let area = 1; // of the present level, in parts of the input's
  let runBytesPerLatent = 0;
  let x: Planes = { value: sample, channels: inputChannels };
  for (let index = 0; index < inputs.count; index += 1) {
    if (inputs.under(index).has('0.op.weight')) area /= 4;
    x = block(context, inputs.under(index), x, null);
    skips.push(x);
    // The skip itself, and the widest level's feed-forward layer: 4 widths, of which some 5 are alive at once.
    runBytesPerLatent = Math.max(runBytesPerLatent, 4 * area * 5 * 4 * x.channels);
  }
  runBytesPerLatent += 4 * skips.length * baseChannels;
  x = block(context, weights.under('middle_block'), x, null);
  const outputs = weights.under('output_blocks');
  for (let index = 0; index < inputs.count; index += 1) {
    const skip = skips.pop() as Planes; // one for each input block
    const joined = graph.op('Concat', [x.value, skip.value], { axis: 1 });
    const both = { value: joined, channels: x.channels + skip.channels };
    x = block(context, outputs.under(index), both, skips.at(-1) ?? null);
  }

  const normed = silu(
    graph,
    groupNorm(graph, weights.under('out').under(0), x.value, { channels: x.channels, epsilon: 1e-5 }),
  );
  const last = weights.under('out').under(2);
  const [outputChannels = 0] = floatTensor(last, 'weight', [null, x.channels, 3, 3]).shape;
  const out = conv(graph, last, normed, { inputs: x.channels });
  graph.output('out', out, ['batch', outputChannels, 'height', 'width']);
  return {
    ...graph.build('UNet'),
    inputChannels,
    outputChannels,
    contextWidth: textWidth,
    runBytesPerLatent,
  };
}

/** Width of the text conditioning: what the first cross-attention takes. */
function contextWidthOf(weights: Weights): number {
  for (const name of weights.source.tensors.keys()) {
    if (name.startsWith(weights.prefix) && name.endsWith('.attn2.to_k.weight')) {
      return floatTensor(weights, name.slice(weights.prefix.length), [null, null]).shape[1] ?? 0;
    }
  }
  throw new EngineError(
    'model-invalid',
    `"${weights.source.name}" has no cross-attention: it does not take text.`,
  );
}

/**
 * Sinusoids of the timestep through two layers. Vaswani et al. 2017, section 3.5, cosines first; the frequencies are
 * rounded step by step to float32 as the original does, since at timestep 999 the difference is seen.
 */
function embedTime(
  graph: GraphBuilder,
  weights: Weights,
  timestep: Value,
  channels: number,
): { time: Value; timeWidth: number } {
  const half = channels / 2;
  const frequencies = Float32Array.from({ length: half }, (_, index) =>
    Math.exp(Math.fround(Math.fround(Math.fround(-Math.log(10_000)) * index) / half)),
  );
  const angles = graph.op('Mul', [timestep, graph.floats(frequencies, [1, half])]);
  const waves = graph.op('Concat', [graph.op('Cos', [angles]), graph.op('Sin', [angles])], { axis: 1 });
  const timeWidth = matrix(weights.under(0), channels).shape[0] ?? 0;
  const hidden = silu(graph, linear(graph, weights.under(0), waves, channels));
  return { time: silu(graph, linear(graph, weights.under(2), hidden, timeWidth)), timeWidth };
}

/** A block is a list of parts, each told by names that only its kind has. */
function block(context: Context, weights: Weights, x: Planes, nextSkip: Planes | null): Planes {
  const parts = weights.count;
  if (parts === 0) weights.tensor('0.in_layers.0.weight'); // throws: it is missing
  for (let index = 0; index < parts; index += 1) x = part(context, weights.under(index), x, nextSkip);
  return x;
}

function part(context: Context, weights: Weights, x: Planes, nextSkip: Planes | null): Planes {
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

function convolved(
  graph: GraphBuilder,
  weights: Weights,
  { value, channels }: Planes,
  stride: number,
): Planes {
  const [outputs = 0] = floatTensor(weights, 'weight', [null, channels, 3, 3]).shape;
  return { value: conv(graph, weights, value, { inputs: channels, stride }), channels: outputs };
}

/** Residual block with the timestep added between its convolutions. */
function residual({ graph, time, timeWidth }: Context, weights: Weights, x: Planes): Planes {
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
function spatialTransformer(context: Context, weights: Weights, x: Planes): Planes {
  const { graph, heads } = context;
  const normed = groupNorm(graph, weights.under('norm'), x.value, { channels: x.channels, epsilon: 1e-6 });
  const width = matrix(weights.under('proj_in'), x.channels).shape[0] ?? 0;
  if (width % heads !== 0) {
    throw new EngineError(
      'model-invalid',
      `"${weights.prefix}" is ${width} wide, no multiple of its ${heads} heads.`,
    );
  }
  const blocks = weights.under('transformer_blocks');
  if (blocks.count === 0) blocks.tensor('0.norm1.weight'); // throws: it is missing
  let tokens = linear(graph, weights.under('proj_in'), toTokens(graph, normed, x.channels), x.channels);
  for (let index = 0; index < blocks.count; index += 1) {
    tokens = transformerBlock(context, blocks.under(index), tokens, width);
  }
  const projected = linear(graph, weights.under('proj_out'), tokens, width);
  return { value: graph.op('Add', [toPlanes(graph, projected, x.value), x.value]), channels: x.channels };
}

/** Attention to itself, attention to the text, and a gated feed-forward layer; each adds to its input. */
function transformerBlock(context: Context, weights: Weights, x: Value, width: number): Value {
  const { graph, text, textWidth } = context;
  const norm = (name: string, value: Value): Value => layerNorm(graph, weights.under(name), value, width);
  const own = norm('norm1', x);
  x = graph.op('Add', [x, attend(context, weights.under('attn1'), own, own, width, width)]);
  x = graph.op('Add', [x, attend(context, weights.under('attn2'), norm('norm2', x), text, width, textWidth)]);
  return graph.op('Add', [x, feedForward(graph, weights.under('ff').under('net'), norm('norm3', x), width)]);
}

/** Of the projections into attention. */
const NO_BIAS = { hasBias: false };

function attend(
  { graph, heads }: Context,
  weights: Weights,
  to: Value,
  from: Value,
  width: number,
  fromWidth: number,
): Value {
  const inner = matrix(weights.under('to_q'), width).shape[0] ?? 0;
  const query = linear(graph, weights.under('to_q'), to, width, NO_BIAS);
  const key = linear(graph, weights.under('to_k'), from, fromWidth, NO_BIAS);
  const value = linear(graph, weights.under('to_v'), from, fromWidth, NO_BIAS);
  return linear(
    graph,
    weights.under('to_out').under(0),
    attention(graph, [query, key, value], { heads }),
    inner,
  );
}

/** GEGLU. Shazeer 2020, arXiv:2002.05202. The halves of its one matrix are used where they lie, so nothing is split. */
function feedForward(graph: GraphBuilder, weights: Weights, x: Value, width: number): Value {
  const projection = weights.under(0).under('proj');
  const weight = matrix(projection, width);
  const both = weight.shape[0] ?? 0;
  const bias = floatTensor(projection, 'bias', [both]);
  const half = both / 2;
  const [value, gate] = [0, half].map((row) => ({
    product: timesTransposed(graph, x, graph.weightRows(weight, row, row + half)),
    bias: graph.weightRows(bias, row, row + half),
  })) as [{ product: Value; bias: Value }, { product: Value; bias: Value }];
  const raised = graph.op('Add', [value.product, value.bias]);
  const opening = graph.op('BiasGelu', [gate.product, gate.bias], {}, MICROSOFT);
  return linear(graph, weights.under(2), graph.op('Mul', [raised, opening]), half);
}
