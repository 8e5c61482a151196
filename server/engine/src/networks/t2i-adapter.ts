import { EngineError } from '../errors.ts';
import { GraphBuilder, type OnnxModel, type Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { conv, floatTensor } from './layers.ts';

export interface T2iAdapterModel extends OnnxModel {
  /** Channels of the hint: 1 or 3. */
  readonly hintChannels: number;
  /** Pixels along the side of what `blocks` has as one. */
  readonly factor: number;
  /** How many features it makes: outputs `feature0` to `feature<n-1>`. */
  readonly features: number;
}

/** Features are for the four levels of a UNet. */
const LEVELS = 4;

/** Channels after every 8x8 or 16x16 pixels became one: of gray and coloured hints. */
const HINTS: ReadonlyMap<number, Pick<T2iAdapterModel, 'hintChannels' | 'factor'>> = new Map([
  [1 * 8 * 8, { hintChannels: 1, factor: 8 }],
  [3 * 8 * 8, { hintChannels: 3, factor: 8 }],
  [1 * 16 * 16, { hintChannels: 1, factor: 16 }],
  [3 * 16 * 16, { hintChannels: 3, factor: 16 }],
]);

interface Planes {
  readonly value: Value;
  readonly channels: number;
}

/**
 * T2I-Adapter in the layout of the original code, full (`conv_in`, `body.N.block1`: one running number for all levels) or
 * light (`body.L.body.N.block1`: a number for the level, one in it). Mou et al. 2023, arXiv:2302.08453. Those that take
 * 16x16 pixels as one are SDXL's: its levels differ, and only the third halves the size.
 *
 * Input `blocks` [1, hintChannels · factor², height, width], as `pixelBlocks` makes it; outputs `feature0` … `feature3`.
 */
export function t2iAdapter(weights: Weights): T2iAdapterModel {
  const graph = new GraphBuilder();
  const isLight = weights.has('body.0.out_conv.weight');
  const first = isLight ? weights.under('body').under(0).under('in_conv') : weights.under('conv_in');
  const [, inputs = 0] = floatTensor(first, 'weight', [null, null, null, null]).shape;
  const hint = HINTS.get(inputs);
  if (hint === undefined) throw unknown(weights, `${inputs} input channels`);

  const blocks = graph.input('blocks', 'float', [1, inputs, 'height', 'width']);
  let x: Planes = { value: blocks, channels: inputs };
  if (!isLight) x = convolved(graph, weights.under('conv_in'), x);
  const body = weights.under('body');
  for (let level = 0; level < LEVELS; level += 1) {
    const isHalved = hint.factor === 16 ? level === 2 : level > 0;
    if (isHalved) x = { ...x, value: halved(graph, x.value) };
    x = isLight ? lightLevel(graph, body.under(level), x) : fullLevel(graph, body, level, x);
    graph.output(`feature${level}`, x.value, [1, x.channels, `height${level}`, `width${level}`]);
  }
  return { ...graph.build('T2I-Adapter'), ...hint, features: LEVELS };
}

function fullLevel(graph: GraphBuilder, body: Weights, level: number, x: Planes): Planes {
  const each = body.count / LEVELS;
  if (!Number.isInteger(each) || each < 1) throw unknown(body, `${body.count} blocks`);
  for (let index = level * each; index < (level + 1) * each; index += 1) {
    const block = body.under(index);
    if (block.has('in_conv.weight')) x = convolved(graph, block.under('in_conv'), x);
    x = residual(graph, block, x);
  }
  return x;
}

function lightLevel(graph: GraphBuilder, level: Weights, x: Planes): Planes {
  const blocks = level.under('body');
  x = convolved(graph, level.under('in_conv'), x);
  for (let index = 0; index < blocks.count; index += 1) x = residual(graph, blocks.under(index), x);
  return convolved(graph, level.under('out_conv'), x);
}

function residual(graph: GraphBuilder, block: Weights, x: Planes): Planes {
  const first = convolved(graph, block.under('block1'), x);
  floatTensor(block, 'block2.weight', [x.channels, null, null, null]);
  const active = { ...first, value: graph.op('Relu', [first.value]) };
  const second = convolved(graph, block.under('block2'), active);
  return { value: graph.op('Add', [second.value, x.value]), channels: second.channels };
}

function convolved(graph: GraphBuilder, weights: Weights, { value, channels }: Planes): Planes {
  const [outputs = 0] = floatTensor(weights, 'weight', [null, channels, null, null]).shape;
  return { value: conv(graph, weights, value, { inputs: channels }), channels: outputs };
}

/** Averages of 2x2; of what is left of them at an odd edge, since the UNet rounds up too. */
function halved(graph: GraphBuilder, x: Value): Value {
  return graph.op('AveragePool', [x], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 });
}

function unknown({ source }: Weights, what: string): EngineError {
  return new EngineError(
    'model-invalid',
    `"${source.name}" is a T2I-Adapter of a kind that is not known: it has ${what}.`,
    { hint: 'Full and light adapters for Stable Diffusion 1.x and SDXL are supported.' },
  );
}
