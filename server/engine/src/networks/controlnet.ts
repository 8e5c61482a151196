import { EngineError } from '../errors.ts';
import { GraphBuilder, type OnnxModel } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { conv, floatTensor, silu } from './layers.ts';
import { embedTime } from './time-embedding.ts';
import { block, type BlockContext, type HeadRule, type Planes } from './unet-blocks.ts';
import { contextWidthOf } from './unet.ts';
import { wayDown } from './way-down.ts';

export interface ControlNetModel extends OnnxModel {
  /** Of `sample`. */
  readonly inputChannels: number;
  readonly contextWidth: number;
  /** Width of the input `vector`, or null where the network has none. */
  readonly vectorWidth: number | null;
  /** How many skips there are: outputs `skip0` to `skip<n-1>`. */
  readonly skips: number;
  /** Memory that a run takes for each latent pixel, about; a bit more than was measured. */
  readonly runBytesPerLatent: number;
}

/**
 * A ControlNet without its hint's part: a second way down of the UNet whose results go through 1x1 convolutions
 * (`zero_convs`, since they start as zeros) into the UNet's skips and middle. Zhang et al. 2023, arXiv:2302.05543.
 *
 * Inputs `sample`, `timestep`, `context` and `vector` as those of the UNet, and `hint` [1 or batch, channels, height, width]
 * as `controlNetHint` makes it. Outputs `skip0` … `skip<n-1>` and `middle`.
 */
export function controlNet(weights: Weights, { heads }: { heads: HeadRule }): ControlNetModel {
  const graph = new GraphBuilder();
  const [baseChannels = 0, inputChannels = 0] = firstConvolution(weights);
  const textWidth = contextWidthOf(weights);

  const sample = graph.input('sample', 'float', ['batch', inputChannels, 'height', 'width']);
  const timestep = graph.input('timestep', 'float', [1]);
  const text = graph.input('context', 'float', ['batch', 'tokens', textWidth]);
  const hint = graph.input('hint', 'float', ['hints', baseChannels, 'height', 'width']);
  const { time, timeWidth, vectorWidth } = embedTime(graph, weights, timestep, baseChannels);
  const attentions = { own: 0, cross: 0 };
  const context: BlockContext = { graph, heads, time, timeWidth, text, textWidth, hooks: [], attentions };
  const output = (name: string, zero: Weights, { value, channels }: Planes): void => {
    floatTensor(zero, 'weight', [channels, channels, 1, 1]);
    const dims = ['batch', channels, `${name}_height`, `${name}_width`];
    graph.output(name, conv(graph, zero, value, { inputs: channels }), dims);
  };

  const { x, skips, runBytesPerLatent } = wayDown(
    context,
    weights.under('input_blocks'),
    { value: sample, channels: inputChannels },
    (index, made) => (index === 0 ? { ...made, value: graph.op('Add', [made.value, hint]) } : made),
  );
  skips.forEach((skip, index) => {
    output(`skip${index}`, weights.under('zero_convs').under(index).under(0), skip);
  });
  const middle = block(context, weights.under('middle_block'), x, null);
  output('middle', weights.under('middle_block_out').under(0), middle);
  return {
    ...graph.build('ControlNet'),
    inputChannels,
    contextWidth: textWidth,
    vectorWidth,
    skips: skips.length,
    runBytesPerLatent,
  };
}

export interface ControlNetHintModel extends OnnxModel {
  /** Pixels along the side of one latent. */
  readonly factor: number;
}

/** Pixels along the side of one latent, in all families. */
const LATENT = 8;

/**
 * The part of a ControlNet that sees the hint: convolutions with SiLU between them, of which every second halves the size
 * (`input_hint_block`). It knows nothing of the step, and took some 7 % of the
 * time of a whole evaluation (SD 1.5 at 512x512).
 *
 * Input `pixels` [batch, 3, height, width]; output `hint` [batch, channels, height / factor, width / factor].
 */
export function controlNetHint(weights: Weights): ControlNetHintModel {
  const graph = new GraphBuilder();
  const block = weights.under('input_hint_block');
  const layers = [...block.numbers].sort((a, b) => a - b).map((number) => block.under(number));
  if (layers.length === 0) block.tensor('0.weight'); // throws: it is missing
  let x = graph.input('pixels', 'float', ['batch', 3, 'pixel_height', 'pixel_width']);
  let channels = 3;
  let factor = 1;
  layers.forEach((layer, index) => {
    const isLast = index + 1 === layers.length;
    const stride = index > 0 && !isLast && index % 2 === 0 ? 2 : 1;
    factor *= stride;
    const [outputs = 0] = floatTensor(layer, 'weight', [null, channels, 3, 3]).shape;
    x = conv(graph, layer, x, { inputs: channels, stride });
    if (!isLast) x = silu(graph, x);
    channels = outputs;
  });
  if (factor !== LATENT) {
    throw new EngineError(
      'model-invalid',
      `"${weights.source.name}" makes one of ${factor}x${factor} pixels of its hint; ${LATENT}x${LATENT} was expected.`,
    );
  }
  const [baseChannels = 0] = firstConvolution(weights);
  floatTensor(layers.at(-1) as Weights, 'weight', [baseChannels, null, 3, 3]);
  graph.output('hint', x, ['batch', channels, 'height', 'width']);
  return { ...graph.build('ControlNet hint'), factor };
}

function firstConvolution(weights: Weights): readonly number[] {
  return floatTensor(weights, 'input_blocks.0.0.weight', [null, null, 3, 3]).shape;
}
