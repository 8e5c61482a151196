import { channelsOf, type RgbImage } from './image.ts';

/** A black picture with as many channels as `like`. */
export function blankImage<Image extends RgbImage>(like: Image, width: number, height: number): Image {
  return { ...like, data: new Uint8Array(width * height * channelsOf(like)), width, height };
}

/** `picture` laid on `canvas`; what lies outside is cut off. */
export function pasted<Image extends RgbImage>(
  canvas: Image,
  picture: Image,
  left: number,
  top: number,
): Image {
  const channels = channelsOf(canvas);
  const data = canvas.data.slice();
  const from = Math.max(-left, 0);
  const to = Math.min(picture.width, canvas.width - left);
  for (let y = Math.max(-top, 0); y < Math.min(picture.height, canvas.height - top); y += 1) {
    const row = picture.data.subarray(
      (y * picture.width + from) * channels,
      (y * picture.width + to) * channels,
    );
    data.set(row, ((y + top) * canvas.width + left + from) * channels);
  }
  return { ...canvas, data };
}

/** A part of a picture, in pixels; the right and lower ends are not in it. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** The part of a picture that lies in `region`, which lies in the picture. */
export function cropped<Image extends RgbImage>(image: Image, { left, top, right, bottom }: Region): Image {
  return pasted(blankImage(image, right - left, bottom - top), image, -left, -top);
}
