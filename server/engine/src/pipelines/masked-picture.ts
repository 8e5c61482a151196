import { gaussianBlur } from '../pixels/blur.ts';
import { blankImage, cropped, pasted, type Region } from '../pixels/canvas.ts';
import { fillFromAround } from '../pixels/fill.ts';
import type { GreyImage, RgbImage } from '../pixels/image.ts';
import { binarised, boundsOf, composed, doubled, regionAround } from '../pixels/masks.ts';
import { resizeImage, resizeNearest } from '../pixels/resize.ts';
import type { InpaintSettings } from './inpaint-request.ts';
import { resizeByMode } from '../pixels/resize-by-mode.ts';

/** A picture and a mask in the size that is drawn. */
export interface MaskedPicture {
  /** With the masked content, where that is made of pixels. */
  readonly image: RgbImage;
  /** 255 = draw anew. */
  readonly mask: GreyImage;
  /**
   * What becomes of the picture that was drawn.
   * @param shown What of it is to be seen, in place of the mask; of the size that is drawn.
   */
  readonly finish: (drawn: RgbImage, shown?: GreyImage) => RgbImage;
}

/** Brings picture and mask to the size that is drawn, or the part of them around the mask. */
export function maskedPicture(settings: InpaintSettings): MaskedPicture {
  const blurred = gaussianBlur(settings.mask, settings.maskBlur);
  const region = regionOf(settings, blurred);
  const { image, mask, finish } = region ? partOf(settings, blurred, region) : wholeOf(settings, blurred);
  if (settings.conventions === 'diffusers') return { image, mask: binarised(mask), finish };
  // Under latents as well: what is drawn anew should not be seen by the VAE from what is kept.
  const isFilled = settings.maskedContent !== 'original';
  return { image: isFilled ? fillFromAround(image, mask) : image, mask, finish };
}

/** What is drawn under "only masked"; null = the whole picture, also where the mask is empty. */
function regionOf({ padding, width, height, image }: InpaintSettings, mask: GreyImage): Region | null {
  const bounds = padding === null ? null : boundsOf(mask);
  return bounds && regionAround(bounds, padding ?? 0, { picture: image, target: { width, height } });
}

function wholeOf(settings: InpaintSettings, blurred: GreyImage): MaskedPicture {
  const { width, height, resizeMode, isKeptExactly } = settings;
  const image = resizeByMode(settings.image, width, height, resizeMode);
  const mask = resizeByMode(blurred, width, height, resizeMode);
  const finish: MaskedPicture['finish'] = (drawn, shown = doubled(mask)) =>
    isKeptExactly ? composed(image, drawn, shown) : drawn;
  return { image, mask, finish };
}

function partOf(settings: InpaintSettings, blurred: GreyImage, region: Region): MaskedPicture {
  const { image, width, height } = settings;
  const part = <Image extends RgbImage>(picture: Image): Image =>
    resizeByMode(cropped(picture, region), width, height, 'fill');
  const finish: MaskedPicture['finish'] = (drawn, shown) => {
    const { left, top, right, bottom } = region;
    const inPlace = <Image extends RgbImage>(canvas: Image, picture: Image): Image =>
      pasted(canvas, resizeByMode(picture, right - left, bottom - top, 'crop'), left, top);
    const mask = shown ? inPlace(blankImage(blurred, blurred.width, blurred.height), shown) : blurred;
    return composed(image, inPlace(image, drawn), mask);
  };
  return { image: part(image), mask: part(blurred), finish };
}

/** A mask in the size of the latents: 1 = draw anew. Each program resizes it in its own way. */
export function latentMask(
  mask: GreyImage,
  rows: number,
  columns: number,
  { conventions, keptNoise, soft }: Pick<InpaintSettings, 'conventions' | 'keptNoise' | 'soft'>,
): Float32Array {
  if (conventions === 'webui') {
    const { data } = resizeImage(mask, columns, rows, { kernel: 'bicubic' });
    return Float32Array.from(data, (value) => (soft ? value / 255 : Math.round(value / 255)));
  }
  if (keptNoise === 'legacy') {
    return Float32Array.from(resizeNearest(mask, columns, rows).data, (value) => value / 255);
  }
  return cornerMask(mask, rows, columns);
}

/** By the value in the upper left corner of each latent pixel, as PyTorch's `nearest` has it; rounded. */
export function cornerMask(mask: GreyImage, rows: number, columns: number): Float32Array {
  const { data, width, height } = mask;
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const y = Math.floor((Math.floor(i / columns) * height) / rows);
    const x = Math.floor(((i % columns) * width) / columns);
    return Math.round(data[y * width + x]! / 255);
  });
}
