import { EngineError } from '../errors.ts';
import { FLOAT, isWeightType, MICROSOFT, type GraphBuilder, type Rows, type Value } from '../onnx/graph.ts';
import { takeBranches, type Window } from '../onnx/live-branch.ts';
import type { TensorInfo } from '../weights/weight-source.ts';
import type { ShapePattern, Weights } from '../weights/weights.ts';

/** Groups of every group norm in Stable Diffusion's networks. */
export const NORM_GROUPS = 32;

/** A float tensor, checked for its shape and for an element type that can be used. */
export function floatTensor(weights: Weights, name: string, shape: ShapePattern): TensorInfo {
  const tensor = weights.tensor(name, shape);
  if (!isWeightType(tensor.dtype)) {
    throw new EngineError(
      'model-invalid',
      `"${weights.source.name}" stores "${tensor.name}" as ${tensor.dtype}; F32, F16, BF16 and F64 are supported.`,
      { hint: 'Look for an fp16 version of the same model.' },
    );
  }
  return tensor;
}

export interface Convolution {
  readonly inputs: number;
  readonly stride?: number;
  /** Rows and columns of zeros added at top, left, bottom, right; default keeps the size at stride 1. */
  readonly pads?: readonly [number, number, number, number];
  readonly hasBias?: boolean;
}

/** 2-d convolution of planes [batch, inputs, height, width]; the kernel's size is the weights' matter. */
export function conv(
  graph: GraphBuilder,
  weights: Weights,
  x: Value,
  { inputs, stride = 1, pads, hasBias = true }: Convolution,
): Value {
  const weight = floatTensor(weights, 'weight', [null, inputs, null, null]);
  const [outputs = 0, , kernel = 1] = weight.shape;
  const half = (kernel - 1) >> 1;
  const { rest, branches } = takeBranches(weight);
  const operands = [x, graph.weight(rest)];
  if (hasBias) operands.push(graph.weight(floatTensor(weights, 'bias', [outputs])));
  const window: Window = {
    kernel_shape: [kernel, kernel],
    pads: pads ?? [half, half, half, half],
    strides: [stride, stride],
  };
  return branches.reduce(
    (sum, branch) => graph.op('Add', [sum, branch.convolve(graph, x, window)]),
    graph.op('Conv', operands, { ...window }),
  );
}

/** x Wᵀ + b over the last axis. W is [outputs, inputs], or a 1x1 convolution's [outputs, inputs, 1, 1]. */
export function linear(
  graph: GraphBuilder,
  weights: Weights,
  x: Value,
  inputs: number,
  { hasBias = true }: { hasBias?: boolean } = {},
): Value {
  const weight = matrix(weights, inputs);
  const [outputs = 0] = weight.shape;
  const product = timesWeight(graph, x, weight);
  if (!hasBias) return product;
  return graph.op('Add', [product, graph.weight(floatTensor(weights, 'bias', [outputs]))]);
}

/** `weight` as a matrix with `inputs` columns; its first size is the number of outputs. */
export function matrix(weights: Weights, inputs: number): TensorInfo {
  const isConvolution = weights.has('weight') && weights.tensor('weight').shape.length === 4;
  return floatTensor(weights, 'weight', isConvolution ? [null, inputs, 1, 1] : [null, inputs]);
}

/**
 * x Wᵀ over the last axis.
 * @param weight a matrix, or a 1x1 convolution's kernel
 * @param rows of W that are used; default: all
 */
export function timesWeight(graph: GraphBuilder, x: Value, weight: TensorInfo, rows?: Rows): Value {
  const [outputs = 0, inputs = 0] = weight.shape;
  const used = rows ?? { first: 0, last: outputs };
  const { rest, branches } = takeBranches(weight);
  const matrix = rest.shape.length === 2 ? rest : { ...rest, shape: [outputs, inputs] };
  const part = rows === undefined ? graph.weight(matrix) : graph.weightRows(matrix, rows.first, rows.last);
  return branches.reduce(
    (sum, branch) => graph.op('Add', [sum, branch.multiply(graph, x, used)]),
    timesTransposed(graph, x, part),
  );
}

/** Takes W as it is stored, so that no transposed copy of it is ever made. */
export function timesTransposed(graph: GraphBuilder, x: Value, weight: Value): Value {
  return graph.op('FusedMatMul', [x, weight], { transB: 1 }, MICROSOFT);
}

export interface GroupNorm {
  readonly channels: number;
  readonly epsilon: number;
  /** Those of larger planes that these are a part of; default: of these. */
  readonly statistics?: NormStatistics;
}
/** Of each group, [batch, groups, 1]. */
export interface NormStatistics {
  readonly mean: Value;
  readonly variance: Value;
}

/**
 * Group norm over planes [batch, channels, height, width]. Wu & He 2018, arXiv:1803.08494.
 *
 * Not `InstanceNormalization`: that uses one thread, sums long rows in one go, and computes x · scale + shift, which loses
 * digits where the mean is many times the spread. Here the mean is subtracted before any product, and sums are taken row by
 * row first: a full-size VAE decode at 512x512 is 3e-6 off the exact result where it was 7e-5 off.
 */
export function groupNorm(
  graph: GraphBuilder,
  weights: Weights,
  x: Value,
  { channels, epsilon, statistics }: GroupNorm,
): Value {
  if (channels % NORM_GROUPS !== 0) {
    throw new EngineError(
      'model-invalid',
      `"${weights.prefix}weight" has ${channels} channels; a multiple of ${NORM_GROUPS} was expected.`,
    );
  }
  const groups = graph.ints([0, NORM_GROUPS, -1]);
  const meanOfRows = (rows: Value): Value =>
    graph.op('ReduceMean', [graph.op('Reshape', [rows, groups]), graph.ints([2])], { keepdims: 1 });
  const ownMean = (): Value => meanOfRows(graph.op('ReduceMean', [x, graph.ints([3])], { keepdims: 1 }));
  const centredGroups = graph.op('Sub', [graph.op('Reshape', [x, groups]), statistics?.mean ?? ownMean()]);
  const centred = graph.op('Reshape', [centredGroups, graph.op('Shape', [x])]);
  const ownVariance = (): Value => {
    const squares = meanOfRows(graph.op('ReduceSumSquare', [centred, graph.ints([3])], { keepdims: 1 }));
    const width = graph.op('Cast', [graph.op('Shape', [x], { start: 3 })], { to: FLOAT });
    return graph.op('Div', [squares, width]);
  };
  const variance = statistics?.variance ?? ownVariance();
  const spread = graph.op('Sqrt', [graph.op('Add', [variance, graph.floats([epsilon])])]);
  const perGroup = [NORM_GROUPS, channels / NORM_GROUPS];
  const scale = graph.weight(floatTensor(weights, 'weight', [channels]), perGroup);
  const shift = graph.weight(floatTensor(weights, 'bias', [channels]), [channels, 1, 1]);
  const factor = graph.op('Reshape', [graph.op('Div', [scale, spread]), graph.ints([0, channels, 1, 1])]);
  return graph.op('Add', [graph.op('Mul', [centred, factor]), shift]);
}

/** Layer norm over the last axis. Ba et al. 2016, arXiv:1607.06450. */
export function layerNorm(graph: GraphBuilder, weights: Weights, x: Value, width: number): Value {
  const scale = graph.weight(floatTensor(weights, 'weight', [width]));
  const shift = graph.weight(floatTensor(weights, 'bias', [width]));
  return graph.op('LayerNormalization', [x, scale, shift], { axis: -1, epsilon: { float: 1e-5 } });
}

/** x · sigmoid(x), as the sigmoid approximation of GELU with factor 1. */
export function silu(graph: GraphBuilder, x: Value): Value {
  return sigmoidGelu(graph, x, 1);
}

/** x · sigmoid(alpha x). Hendrycks & Gimpel 2016, arXiv:1606.08415, with alpha 1.702. */
export function sigmoidGelu(graph: GraphBuilder, x: Value, alpha: number): Value {
  return graph.op('QuickGelu', [x], { alpha: { float: alpha } }, MICROSOFT);
}

/** softmax(q kᵀ / √(width / heads)) v over tokens [batch, tokens, width], without ever storing the whole product. */
export function attention(
  graph: GraphBuilder,
  [query, key, value]: readonly [Value, Value, Value],
  { heads, isCausal = false }: { heads: number; isCausal?: boolean },
): Value {
  const attributes = { num_heads: heads, ...(isCausal ? { unidirectional: 1 } : {}) };
  return graph.op('MultiHeadAttention', [query, key, value], attributes, MICROSOFT);
}

/** Planes [batch, channels, height, width] as tokens [batch, height · width, channels]. */
export function toTokens(graph: GraphBuilder, planes: Value, channels: number): Value {
  return graph.op('Transpose', [graph.op('Reshape', [planes, graph.ints([0, channels, -1])])], {
    perm: [0, 2, 1],
  });
}

/** The reverse of `toTokens`, in the shape of `like`. */
export function toPlanes(graph: GraphBuilder, tokens: Value, like: Value): Value {
  return graph.op('Reshape', [
    graph.op('Transpose', [tokens], { perm: [0, 2, 1] }),
    graph.op('Shape', [like]),
  ]);
}

/** Nearest neighbours, to the height and width of `like`. */
export function upsampleTo(graph: GraphBuilder, x: Value, like: Value): Value {
  const sizes = graph.op(
    'Concat',
    [graph.op('Shape', [x], { start: 0, end: 2 }), graph.op('Shape', [like], { start: 2, end: 4 })],
    { axis: 0 },
  );
  return graph.op('Resize', [x, null, null, sizes], NEAREST);
}

const NEAREST = {
  mode: 'nearest',
  coordinate_transformation_mode: 'asymmetric',
  nearest_mode: 'floor',
} as const;
