import { MICROSOFT, type GraphBuilder, type Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { attention, floatTensor, layerNorm, linear, sigmoidGelu } from './layers.ts';

/** Factor of CLIP's approximate GELU. */
const QUICK_GELU = 1.702;

/** CLIP's own approximation, or the exact function as OpenCLIP has it. */
export type ClipActivation = 'quick-gelu' | 'gelu';

interface LayerShape {
  readonly width: number;
  readonly heads: number;
  readonly activation: ClipActivation;
  /** Tokens see those before them only: text, not pictures. */
  readonly isCausal: boolean;
}

/** A layer of CLIP's towers under the names of transformers. Radford et al. 2021, arXiv:2103.00020. */
export function clipLayer(
  graph: GraphBuilder,
  weights: Weights,
  x: Value,
  { width, heads, activation, isCausal }: LayerShape,
): Value {
  const self = weights.under('self_attn');
  const normed = layerNorm(graph, weights.under('layer_norm1'), x, width);
  const project = (name: string): Value => linear(graph, self.under(name), normed, width);
  const attended = attention(graph, [project('q_proj'), project('k_proj'), project('v_proj')], {
    heads,
    isCausal,
  });
  const afterAttention = graph.op('Add', [x, linear(graph, self.under('out_proj'), attended, width)]);

  const mlp = weights.under('mlp');
  const inner = floatTensor(mlp, 'fc1.weight', [null, width]).shape[0] ?? 0;
  const input = layerNorm(graph, weights.under('layer_norm2'), afterAttention, width);
  const raised = linear(graph, mlp.under('fc1'), input, width);
  const active =
    activation === 'gelu'
      ? graph.op('Gelu', [raised], {}, MICROSOFT)
      : sigmoidGelu(graph, raised, QUICK_GELU);
  return graph.op('Add', [afterAttention, linear(graph, mlp.under('fc2'), active, inner)]);
}
