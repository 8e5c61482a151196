import type { RgbImage } from './image.ts';
import { blankImage, pasted } from './canvas.ts';
import { resizeImage } from './resize.ts';

/**
 * How a picture is brought to another size.
 *
 * - `stretch`: as it is, whatever becomes of its proportions.
 * - `crop`: so that it covers the new size; what stands over is cut off, evenly on both sides.
 * - `fill`: so that it fits in; its edges are drawn out over what is left free.
 * - `latent`: stretched after it was encoded, as latents.
 */
export type ResizeMode = (typeof RESIZE_MODES)[number];
export const RESIZE_MODES = ['stretch', 'crop', 'fill', 'latent'] as const;

/** Resizes a picture, RGB or grey, with Lanczos, as the webui does. `latent` counts as `stretch` here. */
export function resizeByMode<Image extends RgbImage>(
  image: Image,
  width: number,
  height: number,
  mode: ResizeMode,
): Image {
  if (mode === 'stretch' || mode === 'latent') return resizeImage(image, width, height);
  // Whether the new size is wider than the picture, for its height.
  const isWider = width / height > image.width / image.height;
  const byWidth = mode === 'crop' ? isWider : !isWider && width / height !== image.width / image.height;
  const [fitWidth, fitHeight] = byWidth
    ? [width, Math.floor((image.height * width) / image.width)]
    : [Math.floor((image.width * height) / image.height), height];
  const fitting = resizeImage(image, Math.max(fitWidth, 1), Math.max(fitHeight, 1));
  const [left, top] = [
    Math.floor(width / 2) - Math.floor(fitting.width / 2),
    Math.floor(height / 2) - Math.floor(fitting.height / 2),
  ];
  const canvas = pasted(blankImage(image, width, height), fitting, left, top);
  return mode === 'crop' ? canvas : withEdgesDrawnOut(canvas, fitting);
}

/** Fills what `fitting` leaves free of the canvas, with its outermost rows or columns. */
function withEdgesDrawnOut<Image extends RgbImage>(canvas: Image, fitting: Image): Image {
  const { width, height } = canvas;
  const above = Math.floor(height / 2) - Math.floor(fitting.height / 2);
  const before = Math.floor(width / 2) - Math.floor(fitting.width / 2);
  if (above > 0) {
    const band = (row: number, rows: number) =>
      resizeImage(fitting, width, rows, {
        kernel: 'bicubic',
        box: { left: 0, right: fitting.width, top: row, bottom: row },
      });
    const below = above + fitting.height;
    return pasted(pasted(canvas, band(0, above), 0, 0), band(fitting.height, height - below), 0, below);
  }
  if (before > 0) {
    const band = (column: number, columns: number) =>
      resizeImage(fitting, columns, height, {
        kernel: 'bicubic',
        box: { left: column, right: column, top: 0, bottom: fitting.height },
      });
    const behind = before + fitting.width;
    return pasted(pasted(canvas, band(0, before), 0, 0), band(fitting.width, width - behind), behind, 0);
  }
  return canvas;
}
