import { EngineError } from '../../errors.ts';
import type { Latents } from '../../diffusion/latents.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import type { Border } from '../../onnx/model-file/borders.ts';
import type { ModelFile } from '../../onnx/model-file/model-file.ts';
import type { Array32 } from '../../onnx/session.ts';
import type { Guides, SizeConditioning, TextConditioning } from '../diffusion-model.ts';
import type { LazyNetwork } from '../lazy-network.ts';
import { toLatents } from '../planes.ts';
import { repeated } from '../unet-inputs.ts';
import { beside } from '../unet-runner.ts';
import { soleOf } from './onnx-networks.ts';

export interface OnnxEvaluation {
  readonly x: Latents;
  readonly timestep: number;
  readonly context: TextConditioning;
  readonly guides: Guides;
  /** Pixels along the side of one latent. */
  readonly factor: number;
}

/** One evaluation of a UNet that came as an ONNX file, with optimum's names for its inputs. */
export async function runOnnxUnet(
  network: LazyNetwork<OnnxModel>,
  file: ModelFile,
  { x, timestep, context, guides, factor }: OnnxEvaluation,
): Promise<Latents> {
  const { inputs, outputs } = file;
  if (guides.control !== undefined || guides.features !== undefined || guides.inputs !== undefined) {
    throw new EngineError('invalid-request', 'A ready-made ONNX model takes no ControlNet and no adapter.', {
      hint: 'Use the model as a checkpoint or a diffusers folder.',
    });
  }
  const [batch, , height, width] = x.dims;
  const [, tokens, contextWidth] = context.dims;
  const values: Record<string, Array32 | Array32<Int32Array>> = {
    sample: guides.concat === undefined ? x : beside(x, guides.concat),
    timestep: timestepFor(inputs.get('timestep')!, timestep),
    encoder_hidden_states: { data: repeated(context.data, batch), dims: [batch, tokens, contextWidth] },
  };
  if (inputs.has('text_embeds')) {
    const pooled = context.pooled ?? new Float32Array(0);
    values.text_embeds = { data: repeated(pooled, batch), dims: [batch, pooled.length] };
  }
  const times = inputs.get('time_ids');
  if (times !== undefined) {
    const sides = [height * factor, width * factor] as const;
    const numbers = sizeNumbers(guides.size ?? { original: sides, crop: [0, 0], target: sides }, times);
    values.time_ids = { data: repeated(numbers, batch), dims: [batch, numbers.length] };
  }
  const named = Object.entries(values).map(([name, value]) => [inputs.get(name)!.name, value] as const);
  const out = await network.runOne(Object.fromEntries(named), soleOf(outputs, 'out_sample').name);
  return toLatents(out);
}

/** Exports differ: a number or a list of one or more, of whole numbers (rounded then) or not. */
function timestepFor({ dims, isWhole }: Border, timestep: number): Array32 | Array32<Int32Array> {
  const count = dims.reduce<number>((product, size) => product * (size ?? 1), 1);
  const shape = dims.map((size) => size ?? 1);
  return isWhole
    ? { data: new Int32Array(count).fill(Math.round(timestep)), dims: shape }
    : { data: new Float32Array(count).fill(timestep), dims: shape };
}

/** Six numbers, or five with a score in place of the target for the refiner. */
function sizeNumbers(
  { original, crop, target, aestheticScore }: SizeConditioning,
  { dims }: Border,
): Float32Array {
  return Float32Array.of(...original, ...crop, ...(dims[1] === 5 ? [aestheticScore ?? 6] : target));
}
