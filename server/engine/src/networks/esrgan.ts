import { EngineError } from '../errors.ts';
import { GraphBuilder, type Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { conv, floatTensor } from './layers.ts';
import { upsampledConv } from './upsampled-conv.ts';
import { describeUpscaler, type UpscalerModel } from './upscaler-model.ts';

/** The layers of a network in the order of their use, whatever the file calls them. */
interface RrdbLayers {
  readonly first: Weights;
  readonly blocks: readonly Weights[];
  /** Three dense blocks of a block. */
  readonly dense: (block: Weights, index: number) => Weights;
  /** A convolution of a dense block. */
  readonly inner: (dense: Weights, index: number) => Weights;
  readonly body: Weights;
  readonly ups: readonly Weights[];
  readonly high: Weights;
  readonly last: Weights;
}

const SLOPE = 0.2;
const RESIDUAL_SCALE = 0.2;

/**
 * ESRGAN's generator: residual blocks of dense blocks, then enlargements. Wang et al. 2018, arXiv:1809.00219; Real-ESRGAN's,
 * which first folds pixels into channels where it enlarges less than 4 times, arXiv:2107.10833; ESRGAN+'s, with a shortcut
 * in each dense block, arXiv:2001.08073. Widths, depth and scale follow from the shapes.
 *
 * Input `pixels` in 0…1 [batch, 3, height, width]; output `enlarged`.
 */
export function rrdbNet(weights: Weights): UpscalerModel {
  const graph = new GraphBuilder();
  const layers = layersOf(weights);
  const [width = 0, inputs = 0] = floatTensor(layers.first, 'weight', [null, null, 3, 3]).shape;
  const unshuffle = Math.round(Math.sqrt(inputs / 3));
  if (3 * unshuffle ** 2 !== inputs || ![1, 2, 4].includes(unshuffle)) {
    throw unlike(weights, `takes ${inputs} channels; 3, 12 and 48 are supported`);
  }
  const pixels = graph.input('pixels', 'float', ['batch', 3, 'height', 'width']);
  const head = conv(graph, layers.first, unshuffled(graph, pixels, unshuffle), { inputs });
  let x = head;
  for (const block of layers.blocks) x = rrdb(graph, block, x, width, layers);
  x = graph.op('Add', [head, conv(graph, layers.body, x, { inputs: width })]);
  let enlargement = 1;
  for (const up of layers.ups) {
    const [outputs = 0] = floatTensor(up, 'weight', [null, width, 3, 3]).shape;
    const isShuffled = outputs === 4 * width;
    x = isShuffled ? shuffledConv(graph, up, x, width) : upsampledConv(graph, up, x, width);
    x = leaky(graph, x);
    enlargement *= 2;
  }
  x = leaky(graph, conv(graph, layers.high, x, { inputs: width }));
  floatTensor(layers.last, 'weight', [3, null, 3, 3]);
  graph.output('enlarged', conv(graph, layers.last, x, { inputs: width }), [
    'batch',
    3,
    'out_height',
    'out_width',
  ]);
  if (enlargement % unshuffle !== 0) throw unlike(weights, 'makes pictures smaller');
  return describeUpscaler(graph, 'ESRGAN', { scale: enlargement / unshuffle, multiple: unshuffle, width });
}

/** Three dense blocks, a fifth of which is added to the input. */
function rrdb(graph: GraphBuilder, weights: Weights, x: Value, width: number, layers: RrdbLayers): Value {
  let inner = x;
  for (const index of [1, 2, 3])
    inner = denseBlock(graph, layers.dense(weights, index), inner, width, layers);
  return addFifth(graph, x, inner);
}

/** Five convolutions, each of which sees the input and all results before. */
function denseBlock(
  graph: GraphBuilder,
  weights: Weights,
  x: Value,
  width: number,
  layers: RrdbLayers,
): Value {
  const seen = [x];
  let channels = width;
  for (const index of [1, 2, 3, 4]) {
    const layer = layers.inner(weights, index);
    const [growth = 0] = floatTensor(layer, 'weight', [null, channels, 3, 3]).shape;
    let result = leaky(graph, conv(graph, layer, joined(graph, seen), { inputs: channels }));
    const shortcut = weights.under('conv1x1');
    if (index === 2 && shortcut.has('weight')) {
      result = graph.op('Add', [
        result,
        conv(graph, shortcut, x, { inputs: width, hasBias: shortcut.has('bias') }),
      ]);
    }
    if (index === 4 && shortcut.has('weight')) result = graph.op('Add', [result, seen[2]!]);
    seen.push(result);
    channels += growth;
  }
  return addFifth(graph, x, conv(graph, layers.inner(weights, 5), joined(graph, seen), { inputs: channels }));
}

/** Four times the channels, as a square of pixels each. */
function shuffledConv(graph: GraphBuilder, weights: Weights, x: Value, width: number): Value {
  const squares = conv(graph, weights, x, { inputs: width });
  return graph.op('DepthToSpace', [squares], { blocksize: 2, mode: 'CRD' });
}

function joined(graph: GraphBuilder, values: readonly Value[]): Value {
  return values.length === 1 ? values[0]! : graph.op('Concat', values, { axis: 1 });
}

function addFifth(graph: GraphBuilder, x: Value, inner: Value): Value {
  return graph.op('Add', [x, graph.op('Mul', [inner, graph.floats([RESIDUAL_SCALE], [])])]);
}

function leaky(graph: GraphBuilder, x: Value): Value {
  return graph.op('LeakyRelu', [x], { alpha: { float: SLOPE } });
}

/** Squares of so many pixels as channels: colour by colour, row by row. ONNX's operator puts the colour last. */
function unshuffled(graph: GraphBuilder, pixels: Value, side: number): Value {
  if (side === 1) return pixels;
  const squares = side ** 2;
  const order = Array.from({ length: 3 * squares }, (_, to) => (to % squares) * 3 + Math.floor(to / squares));
  const folded = graph.op('SpaceToDepth', [pixels], { blocksize: side });
  return graph.op('Gather', [folded, graph.ints(order)], { axis: 1 });
}

function layersOf(weights: Weights): RrdbLayers {
  if (weights.has('model.0.weight')) return sequentialLayers(weights);
  if (weights.has('RRDB_trunk.0.RDB1.conv1.weight')) return publishedLayers(weights);
  return basicLayers(weights);
}

/** The first published files: `model.N`, where layers without weights count too. */
function sequentialLayers(weights: Weights): RrdbLayers {
  const model = weights.under('model');
  const trunk = model.under('1').under('sub');
  const count = trunk.count;
  const rest = [...model.numbers].sort((a, b) => a - b).filter((number) => number > 1);
  const convolutions = rest.map((number) => model.under(number)).filter((layer) => layer.has('weight'));
  if (convolutions.length < 2) model.tensor('10.weight'); // throws: it is missing
  return {
    first: model.under('0'),
    blocks: numbered(trunk, count - 1),
    dense: (block, index) => block.under(`RDB${index}`),
    inner: (dense, index) => dense.under(`conv${index}`).under('0'),
    body: trunk.under(count - 1),
    ups: convolutions.slice(0, -2),
    high: convolutions.at(-2)!,
    last: convolutions.at(-1)!,
  };
}

/** ESRGAN's own later names. */
function publishedLayers(weights: Weights): RrdbLayers {
  const trunk = weights.under('RRDB_trunk');
  return {
    first: weights.under('conv_first'),
    blocks: numbered(trunk, trunk.count),
    dense: (block, index) => block.under(`RDB${index}`),
    inner: (dense, index) => dense.under(`conv${index}`),
    body: weights.under('trunk_conv'),
    ups: present(weights, 'upconv'),
    high: weights.under('HRconv'),
    last: weights.under('conv_last'),
  };
}

/** Names of BasicSR, which Real-ESRGAN uses. */
function basicLayers(weights: Weights): RrdbLayers {
  const body = weights.under('body');
  if (body.count === 0) body.tensor('0.rdb1.conv1.weight'); // throws: it is missing
  return {
    first: weights.under('conv_first'),
    blocks: numbered(body, body.count),
    dense: (block, index) => block.under(`rdb${index}`),
    inner: (dense, index) => dense.under(`conv${index}`),
    body: weights.under('conv_body'),
    ups: present(weights, 'conv_up'),
    high: weights.under('conv_hr'),
    last: weights.under('conv_last'),
  };
}

function numbered(weights: Weights, count: number): Weights[] {
  return Array.from({ length: Math.max(0, count) }, (_, index) => weights.under(index));
}

/** `prefix1`, `prefix2` and so on, as far as there are any. */
function present(weights: Weights, prefix: string): Weights[] {
  const layers: Weights[] = [];
  for (let index = 1; weights.has(`${prefix}${index}.weight`); index += 1) {
    layers.push(weights.under(`${prefix}${index}`));
  }
  return layers;
}

function unlike(weights: Weights, what: string): EngineError {
  return new EngineError('model-invalid', `The upscaler in "${weights.source.name}" ${what}.`, {
    hint: 'Upscalers of the ESRGAN and Real-ESRGAN family for colour pictures are supported.',
  });
}
