import type { Latents } from '../diffusion/latents.ts';
import type { Array32 } from '../onnx/session.ts';
import type { SizeConditioning, TextConditioning } from './diffusion-model.ts';
import { sizeVector } from './size-vector.ts';

/** What a UNet, and a ControlNet beside it, is told of the step and of the text. */
export interface StepFacts {
  readonly x: Latents;
  readonly timestep: number;
  readonly context: TextConditioning;
  /** Default: a picture of the size that is drawn, not cropped. */
  readonly size?: SizeConditioning | undefined;
  /** Pixels along the side of one latent. */
  readonly factor: number;
}
interface Widths {
  readonly contextWidth: number;
  readonly vectorWidth: number | null;
}

/**
 * The inputs `timestep`, `context` and, where the network has it, `vector`.
 * @throws RangeError if the text is of another width
 */
export function stepInputs(
  { x, timestep, context, size, factor }: StepFacts,
  { contextWidth, vectorWidth }: Widths,
): Record<string, Array32> {
  const [batch, , height, width] = x.dims;
  if (context.dims[2] !== contextWidth) {
    throw new RangeError(`Expected context ${contextWidth} wide but received ${context.dims[2]}.`);
  }
  const inputs: Record<string, Array32> = {
    timestep: { data: Float32Array.of(timestep), dims: [1] },
    context: { data: repeated(context.data, batch), dims: [batch, context.dims[1], contextWidth] },
  };
  if (vectorWidth !== null) {
    const sides = [height * factor, width * factor] as const;
    const pooled = context.pooled ?? new Float32Array(0);
    const sizes = size ?? { original: sides, crop: [0, 0], target: sides };
    inputs.vector = { data: sizeVector(pooled, sizes, vectorWidth), dims: [1, vectorWidth] };
  }
  return inputs;
}

/** `values` as often as there are pictures in a batch. */
export function repeated(values: Float32Array, times: number): Float32Array {
  if (times === 1) return values;
  const all = new Float32Array(values.length * times);
  for (let index = 0; index < times; index += 1) all.set(values, index * values.length);
  return all;
}
