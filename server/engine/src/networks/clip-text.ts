import { EngineError } from '../errors.ts';
import { GraphBuilder, type OnnxModel, type Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { clipLayer, type ClipActivation } from './clip-layer.ts';
import { floatTensor, layerNorm, timesTransposed } from './layers.ts';

/** Tokens in one chunk, start and end included. */
export const CHUNK_TOKENS = 77;
/** CLIP's heads are this wide, in every published size. */
const HEAD_WIDTH = 64;

export interface ClipTextModel extends OnnxModel {
  readonly width: number;
  readonly layers: number;
  readonly vocabulary: number;
  /** Width of the output `pooled`, or null where there is none. */
  readonly pooledWidth: number | null;
}
export interface ClipTextOptions {
  readonly activation?: ClipActivation;
  /**
   * Where the projection of the pooled vector lies: `text_projection`, [width, projected], as OpenCLIP stores it, or
   * `text_projection.weight`, its transpose, as transformers does. Default: nothing is pooled.
   */
  readonly projection?: Weights;
}

/**
 * The text tower of CLIP. Radford et al. 2021, arXiv:2103.00020; weights as transformers' CLIPTextModel has them below
 * `text_model.`. Width, depth and vocabulary follow from the weights.
 *
 * Inputs `tokens` int32 [batch, 77]; `given` [batch, 77, width], which are used in place of the tokens' own vectors where
 * `is_given`, int32 [batch, 77], is not 0 (textual inversion). Outputs `rawN` and `skipN` [batch, 77, width] for
 * N = 1…layers: the N-th last layer, and the same followed by the final layer norm; `pooled` [batch, projected]: the last
 * layer, normed, at the end token (that with the highest id), projected.
 * @param weights what lies below `text_model.`
 */
export function clipText(
  weights: Weights,
  { activation = 'quick-gelu', projection }: ClipTextOptions = {},
): ClipTextModel {
  const graph = new GraphBuilder();
  const embedding = floatTensor(weights, 'embeddings.token_embedding.weight', [null, null]);
  const [vocabulary = 0, width = 0] = embedding.shape;
  const heads = Math.max(1, Math.floor(width / HEAD_WIDTH));
  if (width % heads !== 0) {
    throw new EngineError(
      'model-invalid',
      `The text encoder is ${width} wide, no multiple of its ${heads} heads.`,
    );
  }
  const layers = weights.under('encoder').under('layers');
  const depth = layers.count;
  if (depth === 0) layers.tensor('0.layer_norm1.weight'); // throws: it is missing

  const tokens = graph.input('tokens', 'int32', ['batch', CHUNK_TOKENS]);
  const found = givenOrFound(graph, graph.gatherRows(embedding, tokens), width);
  const positions = floatTensor(weights, 'embeddings.position_embedding.weight', [CHUNK_TOKENS, width]);
  let x = graph.op('Add', [found, graph.weight(positions)]);
  let normed = x;
  for (let layer = 0; layer < depth; layer += 1) {
    x = clipLayer(graph, layers.under(layer), x, { width, heads, activation, isCausal: true });
    normed = layerNorm(graph, weights.under('final_layer_norm'), x, width);
    graph.output(`raw${depth - layer}`, x, ['batch', CHUNK_TOKENS, width]);
    graph.output(`skip${depth - layer}`, normed, ['batch', CHUNK_TOKENS, width]);
  }
  const pooledWidth =
    projection === undefined ? null : pooled(graph, projection, { tokens, hidden: normed, width });
  return { ...graph.build('text encoder'), width, layers: depth, vocabulary, pooledWidth };
}

const BOOL = 9;

/** The vectors of tokens, or what is given in their place. */
function givenOrFound(graph: GraphBuilder, found: Value, width: number): Value {
  const given = graph.input('given', 'float', ['batch', CHUNK_TOKENS, width]);
  const isGiven = graph.op('Cast', [graph.input('is_given', 'int32', ['batch', CHUNK_TOKENS])], { to: BOOL });
  return graph.op('Where', [graph.op('Unsqueeze', [isGiven, graph.ints([2])]), given, found]);
}

interface LastLayer {
  readonly tokens: Value;
  readonly hidden: Value;
  readonly width: number;
}

/** Adds the output `pooled`. @returns its width */
function pooled(graph: GraphBuilder, projection: Weights, { tokens, hidden, width }: LastLayer): number {
  const end = graph.op('ArgMax', [tokens], { axis: 1, keepdims: 1 });
  const positions = graph.ints(Array.from({ length: CHUNK_TOKENS }, (_, index) => index));
  const isEnd = graph.op('Cast', [graph.op('Equal', [positions, end])], { to: 1 });
  const row = graph.op('MatMul', [graph.op('Unsqueeze', [isEnd, graph.ints([1])]), hidden]);
  const vector = graph.op('Squeeze', [row, graph.ints([1])]);
  const isTransposed = projection.has('text_projection.weight');
  const matrix = isTransposed
    ? floatTensor(projection, 'text_projection.weight', [null, width])
    : floatTensor(projection, 'text_projection', [width, null]);
  const projected = isTransposed
    ? timesTransposed(graph, vector, graph.weight(matrix))
    : graph.op('MatMul', [vector, graph.weight(matrix)]);
  const pooledWidth = matrix.shape[isTransposed ? 0 : 1] ?? 0;
  graph.output('pooled', projected, ['batch', pooledWidth]);
  return pooledWidth;
}
