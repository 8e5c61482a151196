import { EngineError } from '../errors.ts';
import type { GraphBuilder, Value } from '../onnx/graph.ts';
import { factorOf, times, type Strength } from '../patches/factor.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import { Weights } from '../weights/weights.ts';
import type { AttentionHooks, AttentionSources } from './attention-hooks.ts';
import { floatTensor, layerNorm, linear, silu } from './layers.ts';

/** What is made of the sources of keys and values, where they are as wide as this. */
interface Perceptrons {
  readonly key: Perceptron;
  readonly value: Perceptron;
}
type Perceptron = (graph: GraphBuilder, x: Value) => Value;

/** Small networks before the keys and values of all attentions, one pair for each width. */
export interface Hypernetwork {
  /** File name without folders. */
  readonly name: string;
  /** Of the sources that it changes. */
  readonly widths: readonly number[];
  readonly source: WeightSource;
  /** @param strength 1 = as trained */
  hooks(strength: Strength): AttentionHooks;
}

/**
 * Reads a hypernetwork as the webui trains them: x + strength · f(x), where f is made of layers of different sizes, with an
 * activation, norms and an activated last layer as the file says. What it drops out in training is kept here.
 * @throws EngineError `model-invalid` if the file is none, or its layers do not fit each other
 */
export function hypernetwork(source: WeightSource): Hypernetwork {
  const root = new Weights(source);
  const activate = activationOf(source);
  const isLastActive = source.metadata.get('activate_output') !== 'false';
  const pairs = new Map<number, Perceptrons>();
  for (const width of widthsIn(source)) {
    const [key, value] = [0, 1].map((place) => {
      const layers = layersOf(root.under(width).under(place), width);
      return perceptron(layers, activate, isLastActive);
    }) as [Perceptron, Perceptron];
    pairs.set(width, { key, value });
  }
  if (pairs.size === 0) {
    throw new EngineError('model-invalid', `"${source.name}" is no hypernetwork.`, {
      hint: 'Choose a hypernetwork of the webui (.pt).',
    });
  }
  return {
    name: source.name,
    widths: [...pairs.keys()],
    source,
    hooks: (strength) => ({
      sources: ({ graph, sourceWidth }, before) => {
        const pair = pairs.get(sourceWidth);
        return pair === undefined ? before : changed(graph, before, pair, strength);
      },
    }),
  };
}

function changed(
  graph: GraphBuilder,
  before: AttentionSources,
  pair: Perceptrons,
  strength: Strength,
): AttentionSources {
  const factor = factorOf(strength, 1);
  const change = (x: Value, f: Perceptron): Value => graph.op('Add', [x, times(graph, f(graph, x), factor)]);
  return { key: change(before.key, pair.key), value: change(before.value, pair.value) };
}

/** Keys of the file that are widths: `320.0.linear.0.weight` belongs to 320. */
function widthsIn({ tensors }: WeightSource): Set<number> {
  const widths = new Set<number>();
  for (const name of tensors.keys()) {
    const [, width] = /^([1-9]\d{0,4})\.[01]\.linear/.exec(name) ?? [];
    if (width !== undefined) widths.add(Number(width));
  }
  return widths;
}

interface Layer {
  readonly kind: 'linear' | 'norm';
  readonly weights: Weights;
  readonly inputs: number;
  readonly outputs: number;
}

const MAX_LAYERS = 64;

/** The first files call their two layers `linear1` and `linear2`. */
function layersOf(weights: Weights, width: number): Layer[] {
  const isOld = weights.has('linear1.weight');
  const numbers = [...weights.under('linear').numbers].sort((one, other) => one - other);
  const parts = isOld
    ? [weights.under('linear1'), weights.under('linear2')]
    : numbers.map((number) => weights.under('linear').under(number));
  const layers: Layer[] = [];
  let inputs = width;
  for (const part of parts.slice(0, MAX_LAYERS)) {
    const isNorm = part.tensor('weight').shape.length === 1;
    const tensor = floatTensor(part, 'weight', isNorm ? [inputs] : [null, inputs]);
    const [outputs = 0] = tensor.shape;
    floatTensor(part, 'bias', [outputs]);
    layers.push({ kind: isNorm ? 'norm' : 'linear', weights: part, inputs, outputs });
    inputs = outputs;
  }
  const isWhole = layers[0]?.kind === 'linear' && inputs === width && parts.length <= MAX_LAYERS;
  if (isWhole) return layers;
  throw new EngineError(
    'model-invalid',
    `"${weights.source.name}" has layers below "${weights.prefix}" that do not lead from ${width} to ${width} values.`,
    { hint: 'The file may be damaged; look for another version of it.' },
  );
}

function perceptron(
  layers: readonly Layer[],
  activate: Activation | null,
  isLastActive: boolean,
): Perceptron {
  const last = layers.findLastIndex(({ kind }) => kind === 'linear');
  return (graph, x) =>
    layers.reduce((value, { kind, weights, inputs }, index) => {
      if (kind === 'norm') return layerNorm(graph, weights, value, inputs);
      const raised = linear(graph, weights, value, inputs);
      return activate === null || (index === last && !isLastActive) ? raised : activate(graph, raised);
    }, x);
}

type Activation = (graph: GraphBuilder, x: Value) => Value;

const simple =
  (type: string, attributes: Record<string, { float: number }> = {}): Activation =>
  (graph, x) =>
    graph.op(type, [x], attributes);
const within =
  (least: number, most: number): Activation =>
  (graph, x) =>
    graph.op('Clip', [x, graph.floats([least], []), graph.floats([most], [])]);

/** By the names that the webui writes; "swish" is what it calls torch's Hardswish. */
const ACTIVATIONS: ReadonlyMap<string, Activation | null> = new Map([
  ['linear', null],
  ['relu', simple('Relu')],
  ['leakyrelu', simple('LeakyRelu', { alpha: { float: 0.01 } })],
  ['elu', simple('Elu')],
  ['swish', simple('HardSwish')],
  ['hardswish', simple('HardSwish')],
  ['tanh', simple('Tanh')],
  ['sigmoid', simple('Sigmoid')],
  ['softsign', simple('Softsign')],
  ['softplus', simple('Softplus')],
  ['mish', simple('Mish')],
  ['gelu', simple('Gelu')],
  ['silu', silu],
  ['selu', simple('Selu')],
  ['celu', simple('Celu')],
  ['hardsigmoid', simple('HardSigmoid', { alpha: { float: 1 / 6 }, beta: { float: 0.5 } })],
  ['hardtanh', within(-1, 1)],
  ['relu6', within(0, 6)],
]);

function activationOf({ name, metadata }: WeightSource): Activation | null {
  const word = metadata.get('activation_func') ?? 'linear';
  const activation = ACTIVATIONS.get(word.toLowerCase());
  if (activation !== undefined) return activation;
  throw new EngineError(
    'model-invalid',
    `"${name}" has the activation function "${word.slice(0, 50)}", which is not supported.`,
    { hint: `Supported are: ${[...ACTIVATIONS.keys()].join(', ')}.` },
  );
}
