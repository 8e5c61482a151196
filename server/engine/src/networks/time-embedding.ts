import type { GraphBuilder, Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { linear, matrix, silu } from './layers.ts';

/** What every block learns about the step. */
export interface TimeEmbedding {
  /** silu of the embedding, [1 or batch, timeWidth]. */
  readonly time: Value;
  readonly timeWidth: number;
  /** Width of the graph's input `vector`, or null where the network has none. */
  readonly vectorWidth: number | null;
}

/**
 * Sinusoids of the timestep through two layers (`time_embed`), and for SDXL a vector of other facts through two more
 * (`label_emb`, Podell et al. 2023, arXiv:2307.01952), added. Sinusoids: Vaswani et al. 2017, section 3.5, cosines first;
 * the frequencies are rounded step by step to float32 as the original does, since at timestep 999 the difference is seen.
 * @param channels how many sinusoids
 */
export function embedTime(
  graph: GraphBuilder,
  weights: Weights,
  timestep: Value,
  channels: number,
): TimeEmbedding {
  const half = channels / 2;
  const frequencies = Float32Array.from({ length: half }, (_, index) =>
    Math.exp(Math.fround(Math.fround(Math.fround(-Math.log(10_000)) * index) / half)),
  );
  const angles = graph.op('Mul', [timestep, graph.floats(frequencies, [1, half])]);
  const waves = graph.op('Concat', [graph.op('Cos', [angles]), graph.op('Sin', [angles])], { axis: 1 });
  const embed = weights.under('time_embed');
  const timeWidth = matrix(embed.under(0), channels).shape[0] ?? 0;
  const time = twoLayers(graph, embed, waves, channels);

  const label = weights.under('label_emb').under(0);
  if (label.isEmpty) return { time: silu(graph, time), timeWidth, vectorWidth: null };
  const vectorWidth = label.tensor('0.weight', [timeWidth, null]).shape[1] ?? 0;
  const vector = graph.input('vector', 'float', ['vectors', vectorWidth]);
  const sum = graph.op('Add', [time, twoLayers(graph, label, vector, vectorWidth)]);
  return { time: silu(graph, sum), timeWidth, vectorWidth };
}

function twoLayers(graph: GraphBuilder, weights: Weights, x: Value, inputs: number): Value {
  const width = matrix(weights.under(0), inputs).shape[0] ?? 0;
  return linear(graph, weights.under(2), silu(graph, linear(graph, weights.under(0), x, inputs)), width);
}
