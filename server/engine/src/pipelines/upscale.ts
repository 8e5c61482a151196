import { EngineError } from '../errors.ts';
import type { Upscaler, UpscaleTiling } from '../families/open-upscaler.ts';
import type { RgbImage } from '../pixels/image.ts';
import { resizeImage, resizeNearest } from '../pixels/resize.ts';
import type { TileProgress } from '../tiles/tiling.ts';
import { fromRgb, toRgb } from './pixels.ts';

export interface UpscaleRequest extends UpscaleTiling {
  readonly image: RgbImage;
  /** A network, or a way to resize without one. */
  readonly upscaler: Upscaler | 'lanczos' | 'nearest';
  /** So many times the sides, rounded; or a size, whatever the proportions. */
  readonly to: number | { readonly width: number; readonly height: number };
}

export type UpscaleEvent =
  | ({
      readonly type: 'tile';
      /** From 1: a network may be used several times. */
      readonly pass: number;
    } & TileProgress)
  | { readonly type: 'image'; readonly image: RgbImage };

/** As in the webui. */
const MOST_PASSES = 3;
/** Longest side of a result. */
const MOST_PIXELS = 16_384;

/**
 * Enlarges a picture. The network is used until the picture is large enough, three times at most, and what is too large then
 * is made smaller with Lanczos, as AUTOMATIC1111's webui does. Where the picture is large enough already it is only
 * resized; but with factor 1 the network is used once, for those that clean pictures.
 *
 * Yields after each tile; whoever stops asking stops the work.
 *
 * ```ts
 * const upscaler = await openUpscaler('models/upscalers/x4.safetensors');
 * for await (const event of upscale({ image, upscaler, to: 2 })) {
 *   if (event.type === 'image') save(event.image);
 * }
 * ```
 * @throws EngineError `invalid-request` for a size that is none or too large
 */
export async function* upscale(request: UpscaleRequest): AsyncGenerator<UpscaleEvent, void> {
  const { upscaler, to, image } = request;
  const size = sizeOf(image, to);
  const enlarged = typeof upscaler === 'string' ? image : yield* passes(request, upscaler, size);
  const resize = upscaler === 'nearest' ? resizeNearest : resizeImage;
  const isDone = enlarged.width === size.width && enlarged.height === size.height;
  yield { type: 'image', image: isDone ? enlarged : resize(enlarged, size.width, size.height) };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The network, until the picture is large enough. */
async function* passes(
  { image, to, tile, overlap }: UpscaleRequest,
  upscaler: Upscaler,
  size: Size,
): AsyncGenerator<UpscaleEvent, RgbImage> {
  const tiling = { ...(tile === undefined ? {} : { tile }), ...(overlap === undefined ? {} : { overlap }) };
  for (let pass = 1; pass <= MOST_PASSES; pass += 1) {
    const isLargeEnough = image.width >= size.width && image.height >= size.height;
    if (isLargeEnough && !(pass === 1 && to === 1)) break;
    const tiles = upscaler.tiles(fromRgb(image), tiling);
    let next = await tiles.next();
    for (; next.done !== true; next = await tiles.next()) yield { type: 'tile', pass, ...next.value };
    image = toRgb(next.value, Math.round);
    if (upscaler.scale === 1) break;
  }
  return image;
}

function sizeOf({ width, height }: RgbImage, to: UpscaleRequest['to']): Size {
  const size =
    typeof to === 'number' ? { width: Math.round(width * to), height: Math.round(height * to) } : to;
  const sides = [size.width, size.height];
  if (!sides.every((side) => Number.isInteger(side) && side >= 1 && side <= MOST_PIXELS)) {
    throw new EngineError(
      'invalid-request',
      `Expected sides of 1 to ${MOST_PIXELS} pixels but received ${size.width}x${size.height}.`,
      { hint: 'Choose another factor or size.' },
    );
  }
  return size;
}
