import type { Latents } from '../diffusion/latents.ts';
import { EngineError } from '../errors.ts';
import type { Array32 } from '../onnx/session.ts';
import type { PixelPlanes } from './diffusion-model.ts';

/** A network's output of rank 4 as latents. */
export function toLatents({ data, dims }: Array32): Latents {
  const [batch = 0, channels = 0, height = 0, width = 0] = dims;
  return { data, dims: [batch, channels, height, width] };
}

/** A network's output [1, 3, height, width] as a picture. */
export function toPlanes({ data, dims }: Array32): PixelPlanes {
  const [, , height = 0, width = 0] = dims;
  return { data, height, width };
}

/** Dims of a picture as a network's input. Its sides must be multiples of `factor`. */
export function imageDims({ data, height, width }: PixelPlanes, factor: number): [1, 3, number, number] {
  if (height % factor !== 0 || width % factor !== 0 || height < factor || width < factor) {
    throw new EngineError(
      'invalid-request',
      `Expected sides that are multiples of ${factor} but received ${width}x${height}.`,
      { hint: 'Resize or crop the picture.' },
    );
  }
  if (data.length !== 3 * height * width) {
    throw new RangeError(
      `Expected ${3 * height * width} values for ${width}x${height} but received ${data.length}.`,
    );
  }
  return [1, 3, height, width];
}
