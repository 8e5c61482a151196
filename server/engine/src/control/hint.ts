import { EngineError } from '../errors.ts';
import type { PixelPlanes } from '../families/diffusion-model.ts';
import type { GreyImage, RgbImage } from '../pixels/image.ts';

/** From here on a mask counts. */
const HALF = 128;

/**
 * A picture as ControlNets and adapters see it: planes in 0…1; −1 where a mask counts, which tells an inpainting ControlNet
 * what to draw.
 * @param mask of the same size; white is drawn
 * @throws EngineError `invalid-request` if it is of another size
 */
export function hintFrom({ data, height, width }: RgbImage, mask?: GreyImage): PixelPlanes {
  if (mask !== undefined && (mask.height !== height || mask.width !== width)) {
    throw new EngineError(
      'invalid-request',
      `Expected a mask of ${width}x${height} pixels, as the picture has, but received ${mask.width}x${mask.height}.`,
      { hint: 'Resize the mask as the picture was resized.' },
    );
  }
  const area = height * width;
  const planes = new Float32Array(3 * area);
  for (let pixel = 0; pixel < area; pixel += 1) {
    const isMasked = mask !== undefined && (mask.data[pixel] ?? 0) >= HALF;
    for (let channel = 0; channel < 3; channel += 1) {
      planes[channel * area + pixel] = isMasked ? -1 : (data[3 * pixel + channel] ?? 0) / 255;
    }
  }
  return { data: planes, height, width };
}
