import type { Region } from './canvas.ts';
import type { GreyImage, RgbImage } from './image.ts';

/** A mask of nothing but 0 and 255; values above 127 count as 255. */
export function binarised(mask: GreyImage): GreyImage {
  return { ...mask, data: mask.data.map((value) => (value > 127 ? 255 : 0)) };
}

/** A mask twice as strong, so that what is half covered is covered. */
export function doubled(mask: GreyImage): GreyImage {
  return { ...mask, data: mask.data.map((value) => Math.min(2 * value, 255)) };
}

/** `drawn` where the mask is 255, `original` where it is 0; all three of one size. */
export function composed(original: RgbImage, drawn: RgbImage, mask: GreyImage): RgbImage {
  const data = drawn.data.map((value, i) => {
    const share = mask.data[Math.floor(i / 3)]! / 255;
    return Math.round(share * value + (1 - share) * original.data[i]!);
  });
  return { ...drawn, data };
}

/** The smallest region that holds all of a mask that is not 0, or null if nothing is. */
export function boundsOf({ data, width, height }: GreyImage): Region | null {
  let [left, top, right, bottom] = [width, height, 0, 0];
  data.forEach((value, i) => {
    if (value === 0) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  });
  return right === 0 ? null : { left, top, right, bottom };
}

/**
 * A region with `padding` pixels around it, made wider or higher to the proportions of `target` as far as the picture
 * reaches: what the webui draws anew under "only masked".
 */
export function regionAround(
  region: Region,
  padding: number,
  { picture, target }: { picture: Size; target: Size },
): Region {
  const left = Math.max(region.left - padding, 0);
  const top = Math.max(region.top - padding, 0);
  const right = Math.min(region.right + padding, picture.width);
  const bottom = Math.min(region.bottom + padding, picture.height);
  const ratio = target.width / target.height;
  if ((right - left) / (bottom - top) > ratio) {
    const [start, end] = grown(top, bottom, (right - left) / ratio, picture.height);
    return { left, right, top: start, bottom: end };
  }
  const [start, end] = grown(left, right, (bottom - top) * ratio, picture.width);
  return { left: start, right: end, top, bottom };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A stretch made `length` long to both sides, moved back where it would leave 0…limit, and cut there. */
function grown(start: number, end: number, length: number, limit: number): [start: number, end: number] {
  const more = Math.trunc(length - (end - start));
  start -= Math.floor(more / 2);
  end += more - Math.floor(more / 2);
  const over = Math.max(end - limit, 0);
  [start, end] = [start - over, end - over];
  if (start < 0) [start, end] = [0, end - start];
  return [start, Math.min(end, limit)];
}
