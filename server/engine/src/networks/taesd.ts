import { EngineError } from '../errors.ts';
import { GraphBuilder, type OnnxModel, type Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { conv, floatTensor } from './layers.ts';
import { upsampledConv } from './upsampled-conv.ts';

/** A tiny network in place of the VAE, for previews. Weights are a list of layers, numbered with gaps. */
export interface TaesdModel extends OnnxModel {
  readonly latentChannels: number;
  /** Pixels along the side of one latent. */
  readonly factor: number;
}

/** True if the file has an encoder, perhaps beside a decoder. */
export function hasTaesdEncoder(weights: Weights): boolean {
  return PLACES.some(
    (place) => place !== '' && weights.under(place.replace('PART', 'encoder')).numbers.size > 0,
  );
}

/** Where the layers are: in a file of their own, as diffusers has them (`AutoencoderTiny`), and bundled with the other part. */
const PLACES = ['', 'PART.layers', 'PART', 'taesd_PART'];

/**
 * TAESD's decoder (github.com/madebyollin/taesd), for SD 1.x and SDXL alike. Layers without weights leave gaps in the numbers: the clamp before the
 * first (which diffusers does not count), the ReLU after it, and an upsampling before each convolution that has no bias.
 *
 * Input `latents`, scaled, [batch, channels, height, width]; output `pixels` in 0…1, three planes of 8 times the size.
 */
export function taesdDecoder(weights: Weights): TaesdModel {
  const graph = new GraphBuilder();
  const layers = numbered(weights, 'decoder');
  const first = layers[0] as Weights;
  const [, latentChannels = 0] = floatTensor(first, 'weight', [null, null, 3, 3]).shape;
  const latents = graph.input('latents', 'float', ['batch', latentChannels, 'height', 'width']);
  const three = graph.floats([3], []);
  const clamped = graph.op('Mul', [graph.op('Tanh', [graph.op('Div', [latents, three])]), three]);
  let x = graph.op('Relu', [conv(graph, first, clamped, { inputs: latentChannels })]);
  let channels = floatTensor(first, 'weight', [null, null, 3, 3]).shape[0] ?? 0;
  let factor = 1;
  for (const layer of layers.slice(1)) {
    if (layer.has('conv.0.weight')) [x, channels] = block(graph, layer, x, channels);
    else {
      if (layer.has('bias')) [x, channels] = convolution(graph, layer, x, channels, 1);
      else {
        const [outputs = 0] = floatTensor(layer, 'weight', [null, channels, 3, 3]).shape;
        x = upsampledConv(graph, layer, x, channels);
        channels = outputs;
        factor *= 2;
      }
    }
  }
  requirePlanes(weights, 'decoder', channels === 3);
  graph.output('pixels', x, ['batch', 3, 'pixel_height', 'pixel_width']);
  return { ...graph.build('TAESD decoder'), blocksChannels: true, latentChannels, factor };
}

/**
 * TAESD's encoder; its convolutions without a bias halve the size.
 *
 * Input `pixels` in 0…1 [batch, 3, height, width]; output `latents`, scaled.
 */
export function taesdEncoder(weights: Weights): TaesdModel {
  const graph = new GraphBuilder();
  let x = graph.input('pixels', 'float', ['batch', 3, 'pixel_height', 'pixel_width']);
  let channels = 3;
  let factor = 1;
  for (const layer of numbered(weights, 'encoder')) {
    if (layer.has('conv.0.weight')) [x, channels] = block(graph, layer, x, channels);
    else {
      const stride = layer.has('bias') ? 1 : 2;
      factor *= stride;
      [x, channels] = convolution(graph, layer, x, channels, stride);
    }
  }
  requirePlanes(weights, 'encoder', factor > 1 && channels !== 3);
  graph.output('latents', x, ['batch', channels, 'height', 'width']);
  return { ...graph.build('TAESD encoder'), blocksChannels: true, latentChannels: channels, factor };
}

/** Layers with weights in the order of their numbers. */
function numbered(weights: Weights, part: 'decoder' | 'encoder'): Weights[] {
  const places = PLACES.map((place) => (place === '' ? weights : weights.under(place.replace('PART', part))));
  const found = places.find(({ numbers }) => numbers.size > 0) ?? weights;
  const layers = [...found.numbers].sort((a, b) => a - b).map((number) => found.under(number));
  if (layers.length === 0) weights.tensor('0.weight'); // throws: it is missing
  return layers;
}

function convolution(
  graph: GraphBuilder,
  weights: Weights,
  x: Value,
  channels: number,
  stride: number,
): [Value, number] {
  const [outputs = 0] = floatTensor(weights, 'weight', [null, channels, 3, 3]).shape;
  return [conv(graph, weights, x, { inputs: channels, stride, hasBias: weights.has('bias') }), outputs];
}

/** Three convolutions, added to the input, and a ReLU. */
function block(graph: GraphBuilder, weights: Weights, x: Value, channels: number): [Value, number] {
  let inner = x;
  let width = channels;
  for (const index of [0, 2, 4]) {
    [inner, width] = convolution(graph, weights.under('conv').under(index), inner, width, 1);
    if (index < 4) inner = graph.op('Relu', [inner]);
  }
  const skip = weights.under('skip');
  const added = skip.has('weight')
    ? conv(graph, skip, x, { inputs: channels, hasBias: skip.has('bias') })
    : x;
  return [graph.op('Relu', [graph.op('Add', [inner, added])]), width];
}

function requirePlanes(weights: Weights, what: string, isIt: boolean): void {
  if (isIt) return;
  throw new EngineError('model-invalid', `"${weights.source.name}" is not a TAESD ${what}.`, {
    hint: 'TAESD comes as two files, taesd_encoder and taesd_decoder; check that they are not swapped.',
  });
}
