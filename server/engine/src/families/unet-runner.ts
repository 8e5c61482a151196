import type { Latents } from '../diffusion/latents.ts';
import type { UnetModel } from '../networks/unet.ts';
import type { Array32 } from '../onnx/session.ts';
import type { Guides, TextConditioning } from './diffusion-model.ts';
import type { LazyNetwork } from './lazy-network.ts';
import { toLatents } from './planes.ts';
import { sizeVector } from './size-vector.ts';

/** Adds nothing, whatever it is added to. */
const NOTHING: Array32 = { data: new Float32Array(1), dims: [1, 1, 1, 1] };

/** One evaluation of a UNet: brings latents, text and guides into the shapes of its inputs. */
export async function runUnet(
  network: LazyNetwork<UnetModel>,
  { x, timestep, context, guides, factor }: Evaluation,
): Promise<Latents> {
  const { inputChannels, contextWidth, vectorWidth } = network.model;
  const [batch, channels, height, width] = x.dims;
  const extra = guides.concat?.dims[1] ?? 0;
  if (channels + extra !== inputChannels || context.dims[2] !== contextWidth) {
    throw new RangeError(
      `Expected ${inputChannels} channels and context ${contextWidth} wide but received ${channels + extra} and ${context.dims[2]}.`,
    );
  }
  const inputs: Record<string, Array32> = {
    sample: guides.concat === undefined ? x : beside(x, guides.concat),
    timestep: { data: Float32Array.of(timestep), dims: [1] },
    context: { data: repeated(context.data, batch), dims: [batch, context.dims[1], contextWidth] },
    ...guidesOf(network.model, guides),
    ...guides.inputs,
  };
  if (vectorWidth !== null) {
    const sides = [height * factor, width * factor] as const;
    const size = guides.size ?? { original: sides, crop: [0, 0], target: sides };
    const pooled = context.pooled ?? new Float32Array(0);
    inputs.vector = { data: sizeVector(pooled, size, vectorWidth), dims: [1, vectorWidth] };
  }
  return toLatents(await network.runOne(inputs, 'out'));
}

interface Evaluation {
  readonly x: Latents;
  readonly timestep: number;
  readonly context: TextConditioning;
  readonly guides: Guides;
  /** Pixels along the side of one latent. */
  readonly factor: number;
}

/** All guiding inputs of the network; those that are not given add nothing. */
function guidesOf({ skips, features }: UnetModel, guides: Guides): Record<string, Array32> {
  const inputs: Record<string, Array32> = { control_mid: guides.control?.middle ?? NOTHING };
  for (let index = 0; index < skips; index += 1) {
    inputs[`control${index}`] = guides.control?.skips[index] ?? NOTHING;
  }
  for (let index = 0; index < features; index += 1) {
    inputs[`feature${index}`] = guides.features?.[index] ?? NOTHING;
  }
  return inputs;
}

/** Channels of `more` behind those of `x`, for each picture of the batch. */
function beside(x: Latents, more: Latents): Latents {
  const [batch, channels, height, width] = x.dims;
  const [times, extra, ...sides] = more.dims;
  if (sides[0] !== height || sides[1] !== width || (times !== 1 && times !== batch)) {
    throw new RangeError(`Cannot put dims ${more.dims.join(', ')} beside ${x.dims.join(', ')}.`);
  }
  const area = height * width;
  const data = new Float32Array(batch * (channels + extra) * area);
  for (let index = 0; index < batch; index += 1) {
    const start = index * (channels + extra) * area;
    data.set(x.data.subarray(index * channels * area, (index + 1) * channels * area), start);
    const from = times === 1 ? 0 : index * extra * area;
    data.set(more.data.subarray(from, from + extra * area), start + channels * area);
  }
  return { data, dims: [batch, channels + extra, height, width] };
}

/** `values` as often as there are pictures in a batch. */
function repeated(values: Float32Array, times: number): Float32Array {
  if (times === 1) return values;
  const all = new Float32Array(values.length * times);
  for (let index = 0; index < times; index += 1) all.set(values, index * values.length);
  return all;
}
