import { EngineError } from '../errors.ts';
import { GraphBuilder, type OnnxModel, type Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { clipLayer, type ClipActivation } from './clip-layer.ts';
import { conv, floatTensor, layerNorm, timesTransposed, toTokens } from './layers.ts';

export interface ClipVisionModel extends OnnxModel {
  /** Sides of its picture in pixels. */
  readonly side: number;
  /** Of the output `hidden`. */
  readonly width: number;
  /** Of the output `embeds`. */
  readonly projectedWidth: number;
}
export interface ClipVisionOptions {
  /** Default: that of the published model of this size. */
  readonly heads?: number | undefined;
  readonly activation?: ClipActivation | undefined;
}

/** The largest known picture is 448 pixels wide. */
const MAX_SIDE = 1024;
/** OpenAI's models project to at most so much and have the approximate activation; OpenCLIP's larger ones the exact one. */
const OPENAI_PROJECTED = 768;

/**
 * The vision tower of CLIP. Radford et al. 2021, arXiv:2103.00020; weights as transformers' CLIPVisionModelWithProjection has
 * them (`vision_model.`, `visual_projection.weight`), or with the projection as OpenCLIP has it (`visual_projection`,
 * [width, projected]). Width, depth, patches and picture follow from the weights.
 *
 * Input `pixels` [1, 3, side, side], normalised. Outputs `embeds` [1, projectedWidth]: the class token of the last layer,
 * normed and projected; `hidden` [1, patches + 1, width]: all tokens of the last layer but one as they are.
 */
export function clipVision(
  weights: Weights,
  { heads: known, activation: chosen }: ClipVisionOptions = {},
): ClipVisionModel {
  const graph = new GraphBuilder();
  const tower = weights.under('vision_model');
  const embeddings = tower.under('embeddings');
  const patches = floatTensor(embeddings, 'patch_embedding.weight', [null, 3, null, null]);
  const [width = 0, , patch = 1] = patches.shape;
  const positions = floatTensor(embeddings, 'position_embedding.weight', [null, width]);
  const grid = Math.sqrt((positions.shape[0] ?? 0) - 1);
  const side = grid * patch;
  if (!Number.isInteger(grid) || side < 1 || side > MAX_SIDE) {
    throw new EngineError('model-invalid', `"${weights.source.name}" has no positions for a square picture.`);
  }
  const layers = tower.under('encoder').under('layers');
  if (layers.count < 2) layers.tensor('1.layer_norm1.weight'); // throws: it is missing
  const isTransposed = weights.has('visual_projection.weight');
  const projection = isTransposed
    ? floatTensor(weights, 'visual_projection.weight', [null, width])
    : floatTensor(weights, 'visual_projection', [width, null]);
  const projectedWidth = projection.shape[isTransposed ? 0 : 1] ?? 0;
  const heads = known ?? publishedHeads(width);
  const activation = chosen ?? (projectedWidth <= OPENAI_PROJECTED ? 'quick-gelu' : 'gelu');
  if (width % heads !== 0) {
    throw new EngineError(
      'model-invalid',
      `"${weights.source.name}" is ${width} wide, no multiple of its ${heads} heads.`,
    );
  }

  const pixels = graph.input('pixels', 'float', [1, 3, side, side]);
  const cut = conv(graph, embeddings.under('patch_embedding'), pixels, {
    inputs: 3,
    stride: patch,
    pads: [0, 0, 0, 0],
    hasBias: false,
  });
  const first = graph.weight(floatTensor(embeddings, 'class_embedding', [width]), [1, 1, width]);
  const tokens = graph.op('Concat', [first, toTokens(graph, cut, width)], { axis: 1 });
  const placed = graph.op('Add', [tokens, graph.weight(positions)]);
  let x = layerNorm(graph, tower.under('pre_layrnorm'), placed, width);
  let hidden = x;
  for (let layer = 0; layer < layers.count; layer += 1) {
    hidden = x;
    x = clipLayer(graph, layers.under(layer), x, { width, heads, activation, isCausal: false });
  }
  graph.output('hidden', hidden, [1, grid * grid + 1, width]);
  const normed = layerNorm(graph, tower.under('post_layernorm'), classToken(graph, x), width);
  const embeds = isTransposed
    ? timesTransposed(graph, normed, graph.weight(projection))
    : graph.op('MatMul', [normed, graph.weight(projection)]);
  graph.output('embeds', embeds, [1, projectedWidth]);
  return { ...graph.build('image encoder'), side, width, projectedWidth };
}

/** [1, tokens, width] to [1, width]. */
function classToken(graph: GraphBuilder, tokens: Value): Value {
  const first = graph.op('Slice', [tokens, graph.ints([0]), graph.ints([1]), graph.ints([1])]);
  return graph.op('Squeeze', [first, graph.ints([1])]);
}

/** ViT-L, H, g and bigG all have 16, whatever their width; ViT-B has 12. */
function publishedHeads(width: number): number {
  if (width === 768) return 12;
  return width >= 1024 ? 16 : Math.max(1, Math.floor(width / 64));
}
