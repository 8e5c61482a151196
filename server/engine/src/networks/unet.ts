import { EngineError } from '../errors.ts';
import { GraphBuilder, type OnnxModel } from '../onnx/graph.ts';
import type { Array32 } from '../onnx/session.ts';
import type { Weights } from '../weights/weights.ts';
import type { AttentionHooks } from './attention-hooks.ts';
import { conv, floatTensor, groupNorm, silu } from './layers.ts';
import { embedTime } from './time-embedding.ts';
import { block, type BlockContext, type HeadRule, type Planes } from './unet-blocks.ts';
import { wayDown } from './way-down.ts';

export interface UnetModel extends OnnxModel {
  /** Of `sample`: latents, and whatever the family puts beside them (mask, picture, depth). */
  readonly inputChannels: number;
  readonly outputChannels: number;
  /** Width of the text conditioning. */
  readonly contextWidth: number;
  /** Width of the input `vector` (pooled text and sizes), or null where the network has none. */
  readonly vectorWidth: number | null;
  /** How many skips there are: inputs `control0` to `control<n-1>`. */
  readonly skips: number;
  /** Channels of the features of a T2I-Adapter that are taken: inputs `feature0` to `feature<n-1>`. */
  readonly features: readonly number[];
  /** Memory that a run takes for each latent pixel, about; a bit more than was measured. */
  readonly runBytesPerLatent: number;
  /** Inputs of what its hooks built in, where nothing else is given. */
  readonly idleInputs: (batch: number) => Readonly<Record<string, Array32>>;
}
export interface UnetOptions {
  readonly heads: HeadRule;
  readonly hooks?: readonly AttentionHooks[];
}

/**
 * The denoising network of Stable Diffusion, in the layout of the original code (`input_blocks`, `middle_block`,
 * `output_blocks`). Rombach et al. 2022, arXiv:2112.10752. Levels, widths, residual blocks a level, attention and its
 * depth may be any.
 *
 * Inputs `sample` [batch, channels, height, width], `timestep` [1], `context` [batch, tokens, width]; `vector`
 * [1 or batch, vectorWidth] where the weights have `label_emb`. What guides from outside is added, and may be [1, 1, 1, 1]
 * zeros where there is nothing: `control<n>` to the skips and `control_mid` to the middle (ControlNet, arXiv:2302.05543),
 * `feature<n>` to the end of each level on the way down and, where these are fewer than an adapter makes, to the middle
 * (T2I-Adapter, arXiv:2302.08453). Output `out`.
 */
export function unet(weights: Weights, { heads, hooks = [] }: UnetOptions): UnetModel {
  const graph = new GraphBuilder();
  const first = floatTensor(weights, 'input_blocks.0.0.weight', [null, null, 3, 3]);
  const [baseChannels = 0, inputChannels = 0] = first.shape;
  const textWidth = contextWidthOf(weights);

  const sample = graph.input('sample', 'float', ['batch', inputChannels, 'height', 'width']);
  const timestep = graph.input('timestep', 'float', [1]);
  const text = graph.input('context', 'float', ['batch', 'tokens', textWidth]);
  const { time, timeWidth, vectorWidth } = embedTime(graph, weights, timestep, baseChannels);
  const attentions = { own: 0, cross: 0 };
  const context: BlockContext = { graph, heads, time, timeWidth, text, textWidth, hooks, attentions };
  const guide = (name: string, { value, channels }: Planes): Planes => {
    const dims = [`${name}_n`, `${name}_c`, `${name}_h`, `${name}_w`];
    return { value: graph.op('Add', [value, graph.input(name, 'float', dims)]), channels };
  };

  const inputs = weights.under('input_blocks');
  const features: number[] = [];
  const feature = (made: Planes): Planes => guide(`feature${features.push(made.channels) - 1}`, made);
  const { skips, runBytesPerLatent, ...down } = wayDown(
    context,
    inputs,
    { value: sample, channels: inputChannels },
    (index, made) => (takesFeature(inputs, index) ? feature(made) : made),
  );
  let x = guide('control_mid', block(context, weights.under('middle_block'), down.x, null));
  if (features.length < ADAPTER_FEATURES) x = feature(x);
  const outputs = weights.under('output_blocks');
  for (let index = inputs.count - 1; index >= 0; index -= 1) {
    const skip = guide(`control${index}`, skips[index] as Planes); // one for each input block
    const joined = graph.op('Concat', [x.value, skip.value], { axis: 1 });
    const both = { value: joined, channels: x.channels + skip.channels };
    x = block(context, outputs.under(inputs.count - 1 - index), both, skips[index - 1] ?? null);
  }

  const normed = silu(
    graph,
    groupNorm(graph, weights.under('out').under(0), x.value, { channels: x.channels, epsilon: 1e-5 }),
  );
  const last = weights.under('out').under(2);
  const [outputChannels = 0] = floatTensor(last, 'weight', [null, x.channels, 3, 3]).shape;
  const out = conv(graph, last, normed, { inputs: x.channels });
  graph.output('out', out, ['batch', outputChannels, 'height', 'width']);
  return {
    ...graph.build('UNet'),
    inputChannels,
    outputChannels,
    contextWidth: textWidth,
    vectorWidth,
    skips: skips.length,
    features,
    runBytesPerLatent,
    idleInputs: (batch) =>
      Object.assign({}, ...hooks.map((hook) => hook.idleInputs?.(batch))) as Record<string, Array32>,
  };
}

/**
 * True where diffusers adds a T2I-Adapter's feature: before the halving where the level has attention, after it where it
 * has none (SDXL's first level), and at the very end.
 */
function takesFeature(inputs: Weights, index: number): boolean {
  const isDown = (at: number): boolean => inputs.under(at).has('0.op.weight');
  const hasAttention = (at: number): boolean =>
    !inputs.under(at).under(1).under('transformer_blocks').isEmpty;
  if (isDown(index)) return !hasAttention(index - 1);
  return index + 1 === inputs.count || (isDown(index + 1) && hasAttention(index));
}

/** Of a T2I-Adapter; SDXL's three levels leave one, which diffusers adds to the middle. */
const ADAPTER_FEATURES = 4;

/** Width of the text conditioning: what the first cross-attention takes. */
export function contextWidthOf(weights: Weights): number {
  for (const name of weights.source.tensors.keys()) {
    if (name.startsWith(weights.prefix) && name.endsWith('.attn2.to_k.weight')) {
      return floatTensor(weights, name.slice(weights.prefix.length), [null, null]).shape[1] ?? 0;
    }
  }
  throw new EngineError(
    'model-invalid',
    `"${weights.source.name}" has no cross-attention: it does not take text.`,
  );
}
