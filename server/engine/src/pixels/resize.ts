import { KERNELS, stretchedTaps, type Taps } from '../diffusion/resampling.ts';
import { channelsOf, type RgbImage } from './image.ts';

/** Weights are whole multiples of 2⁻²², as in Pillow. */
const UNIT = 2 ** 22;

export interface ResizeOptions {
  /** Default `lanczos`. */
  readonly kernel?: 'bilinear' | 'bicubic' | 'lanczos';
  /** Part of the picture that is resized, in pixels. Default: all of it. */
  readonly box?: {
    readonly left: number;
    readonly top: number;
    readonly right: number;
    readonly bottom: number;
  };
}

/**
 * Resizes 8-bit pictures, RGB or grey, with the result of Pillow's `Image.resize`, byte for byte: along rows, then along
 * columns, rounded after each. (Pillow 13 takes first what is cheaper; the programs whose pictures count had others.)
 */
export function resizeImage<Image extends RgbImage>(
  image: Image,
  width: number,
  height: number,
  { kernel = 'lanczos', box }: ResizeOptions = {},
): Image {
  const { left = 0, top = 0, right = image.width, bottom = image.height } = box ?? {};
  const channels = channelsOf(image);
  let { data } = image;
  if (width !== image.width || left !== 0 || right !== image.width) {
    const columns = stretchedTaps(image.width, width, KERNELS[kernel], [left, right]);
    data = alongRows(data, columns, { width: image.width, channels });
  }
  if (height !== image.height || top !== 0 || bottom !== image.height) {
    const rows = stretchedTaps(image.height, height, KERNELS[kernel], [top, bottom]);
    data = alongColumns(data, rows, width * channels);
  }
  return { ...image, data: data === image.data ? data.slice() : data, width, height };
}

/** Pillow's nearest neighbour: the pixel that lies in the middle. */
export function resizeNearest<Image extends RgbImage>(image: Image, width: number, height: number): Image {
  const channels = channelsOf(image);
  const data = new Uint8Array(width * height * channels);
  const columns = places(image.width, width);
  places(image.height, height).forEach((row, y) => {
    columns.forEach((column, x) => {
      const from = (row * image.width + column) * channels;
      data.set(image.data.subarray(from, from + channels), (y * width + x) * channels);
    });
  });
  return { ...image, data, width, height };
}

/** Added up step by step: where a middle lies on the edge of two pixels, rounding decides as it does in Pillow. */
function places(from: number, to: number): number[] {
  const stride = from / to;
  let place = stride * 0.5;
  return Array.from({ length: to }, () => {
    const whole = Math.min(Math.trunc(place), from - 1);
    place += stride;
    return whole;
  });
}

/** A weight as a whole number; halves go away from 0. */
const whole = (weight: number): number => Math.trunc(weight * UNIT + Math.sign(weight) * 0.5);
const toByte = (sum: number): number => Math.min(Math.max(Math.floor(sum / UNIT + 0.5), 0), 255);

function alongRows(
  bytes: Uint8Array,
  columns: readonly Taps[],
  { width, channels }: { width: number; channels: number },
): Uint8Array {
  const height = bytes.length / (width * channels);
  const result = new Uint8Array(height * columns.length * channels);
  columns.forEach(({ start, weights }, x) => {
    const factors = weights.map(whole);
    for (let y = 0; y < height; y += 1) {
      for (let channel = 0; channel < channels; channel += 1) {
        let sum = 0;
        let from = (y * width + start) * channels + channel;
        for (const factor of factors) {
          sum += factor * bytes[from]!;
          from += channels;
        }
        result[(y * columns.length + x) * channels + channel] = toByte(sum);
      }
    }
  });
  return result;
}

function alongColumns(bytes: Uint8Array, rows: readonly Taps[], stride: number): Uint8Array {
  const result = new Uint8Array(rows.length * stride);
  rows.forEach(({ start, weights }, y) => {
    const factors = weights.map(whole);
    for (let x = 0; x < stride; x += 1) {
      let sum = 0;
      let from = start * stride + x;
      for (const factor of factors) {
        sum += factor * bytes[from]!;
        from += stride;
      }
      result[y * stride + x] = toByte(sum);
    }
  });
  return result;
}
