import { EngineError } from '../errors.ts';
import { GraphBuilder, MICROSOFT, type OnnxModel, type Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { attention, floatTensor, layerNorm, linear, matrix, timesWeight } from './layers.ts';

/** What an image prompt is made from: CLIP's one vector for a picture, or its tokens. */
export type ImageFeature = 'embeds' | 'hidden';

export interface ImageProjectionModel extends OnnxModel {
  /** Which output of the vision tower is its input `features`. */
  readonly feature: ImageFeature;
  /** Width of the features. */
  readonly featureWidth: number;
  /** Of the output `tokens`. */
  readonly width: number;
}

/** Heads of the resampler's attentions are this wide, in every published size. */
const HEAD_WIDTH = 64;

/**
 * The part of an IP-Adapter that makes tokens of a picture's features (`image_proj`). Ye et al. 2023, arXiv:2308.06721. Its
 * kind is told by its names: one matrix (plain), a resampler with queries of its own (plus), or two layers for each token
 * (full-face).
 *
 * Input `features` [1, projected width] or [1, tokens, width]; output `tokens` [1, n, width].
 * @param weights what lies below `image_proj.`
 */
export function imageProjection(weights: Weights): ImageProjectionModel {
  requireNoFace(weights);
  const graph = new GraphBuilder();
  if (weights.has('latents')) return resampler(graph, weights);
  return weights.has('proj.weight') ? oneMatrix(graph, weights) : twoLayers(graph, weights);
}

/** One vector to a few tokens. */
function oneMatrix(graph: GraphBuilder, weights: Weights): ImageProjectionModel {
  const [width = 0] = floatTensor(weights, 'norm.weight', [null]).shape;
  const [outputs = 0, featureWidth = 0] = floatTensor(weights, 'proj.weight', [null, null]).shape;
  if (outputs % width !== 0) throw unknown(weights);
  const features = graph.input('features', 'float', [1, featureWidth]);
  const all = linear(graph, weights.under('proj'), features, featureWidth);
  const tokens = graph.op('Reshape', [all, graph.ints([1, outputs / width, width])]);
  return finished(graph, layerNorm(graph, weights.under('norm'), tokens, width), {
    feature: 'embeds',
    featureWidth,
    width,
  });
}

/** Each token by itself. */
function twoLayers(graph: GraphBuilder, weights: Weights): ImageProjectionModel {
  const proj = weights.under('proj');
  const [inner = 0, featureWidth = 0] = floatTensor(proj, '0.weight', [null, null]).shape;
  const [width = 0] = floatTensor(proj, '2.weight', [null, inner]).shape;
  const features = graph.input('features', 'float', [1, 'patches', featureWidth]);
  const raised = graph.op('Gelu', [linear(graph, proj.under(0), features, featureWidth)], {}, MICROSOFT);
  const tokens = linear(graph, proj.under(2), raised, inner);
  return finished(graph, layerNorm(graph, proj.under(3), tokens, width), {
    feature: 'hidden',
    featureWidth,
    width,
  });
}

/** Queries that look at the tokens and at each other, layer by layer. Alayrac et al. 2022, arXiv:2204.14198 (Perceiver). */
function resampler(graph: GraphBuilder, weights: Weights): ImageProjectionModel {
  const queries = floatTensor(weights, 'latents', [1, null, null]);
  const [, , inner = 0] = queries.shape;
  const [, featureWidth = 0] = floatTensor(weights, 'proj_in.weight', [inner, null]).shape;
  const [width = 0] = floatTensor(weights, 'proj_out.weight', [null, inner]).shape;
  const features = graph.input('features', 'float', [1, 'patches', featureWidth]);
  const seen = linear(graph, weights.under('proj_in'), features, featureWidth);
  const layers = weights.under('layers');
  let x = graph.weight(queries);
  for (let index = 0; index < layers.count; index += 1) {
    const layer = layers.under(index);
    x = graph.op('Add', [x, look(graph, layer.under(0), { from: x, seen, width: inner })]);
    x = graph.op('Add', [x, feedForward(graph, layer.under(1), x, inner)]);
  }
  const tokens = linear(graph, weights.under('proj_out'), x, inner);
  return finished(graph, layerNorm(graph, weights.under('norm_out'), tokens, width), {
    feature: 'hidden',
    featureWidth,
    width,
  });
}

interface Look {
  readonly from: Value;
  readonly seen: Value;
  readonly width: number;
}

function look(graph: GraphBuilder, weights: Weights, { from, seen, width }: Look): Value {
  const queries = layerNorm(graph, weights.under('norm2'), from, width);
  const all = graph.op('Concat', [layerNorm(graph, weights.under('norm1'), seen, width), queries], {
    axis: 1,
  });
  const inner = matrix(weights.under('to_q'), width).shape[0] ?? 0;
  const both = floatTensor(weights, 'to_kv.weight', [2 * inner, width]);
  const heads = Math.max(1, Math.floor(inner / HEAD_WIDTH));
  if (inner % heads !== 0) throw unknown(weights);
  const query = linear(graph, weights.under('to_q'), queries, width, { hasBias: false });
  const key = timesWeight(graph, all, both, { first: 0, last: inner });
  const value = timesWeight(graph, all, both, { first: inner, last: 2 * inner });
  const attended = attention(graph, [query, key, value], { heads });
  return linear(graph, weights.under('to_out'), attended, inner, { hasBias: false });
}

function feedForward(graph: GraphBuilder, weights: Weights, x: Value, width: number): Value {
  const inner = matrix(weights.under(1), width).shape[0] ?? 0;
  const normed = layerNorm(graph, weights.under(0), x, width);
  const raised = linear(graph, weights.under(1), normed, width, { hasBias: false });
  return linear(graph, weights.under(3), graph.op('Gelu', [raised], {}, MICROSOFT), inner, {
    hasBias: false,
  });
}

function finished(
  graph: GraphBuilder,
  tokens: Value,
  facts: Omit<ImageProjectionModel, keyof OnnxModel>,
): ImageProjectionModel {
  graph.output('tokens', tokens, [1, 'tokens', facts.width]);
  return { ...graph.build('image prompt'), ...facts };
}

/** Width of the vectors that a face recogniser makes. */
const FACE_WIDTH = 512;

function requireNoFace(weights: Weights): void {
  const inputs = ['proj.0.weight', 'proj_in.weight']
    .filter((name) => weights.has(name))
    .map((name) => weights.tensor(name).shape[1]);
  if (!inputs.includes(FACE_WIDTH) && weights.under('perceiver_resampler').isEmpty) return;
  throw new EngineError(
    'model-invalid',
    `"${weights.source.name}" goes by the vectors of a face recogniser (FaceID, InstantID), which Atelier does not have.`,
    { hint: 'Use an IP-Adapter that goes by CLIP: plain, plus, plus-face or full-face.' },
  );
}

function unknown({ source }: Weights): EngineError {
  return new EngineError('model-invalid', `"${source.name}" is an IP-Adapter of a kind that is not known.`, {
    hint: 'Plain, plus and full-face IP-Adapters for Stable Diffusion 1.x and SDXL are supported.',
  });
}
