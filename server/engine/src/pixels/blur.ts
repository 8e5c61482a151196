import { channelsOf, type GreyImage, type RgbImage } from './image.ts';

const { fround } = Math;

/**
 * Blurs a mask with a Gaussian of standard deviation `sigma` pixels, over ⌊2.5 · sigma + 0.5⌋ pixels to each side; what lies
 * beyond the edge is the picture mirrored at its outermost pixels. The webui's mask blur.
 */
export function gaussianBlur(mask: GreyImage, sigma: number): GreyImage {
  if (sigma <= 0) return mask;
  const reach = Math.trunc(2.5 * sigma + 0.5);
  const bells = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-((i - reach) ** 2) / (2 * sigma ** 2)),
  );
  const total = bells.reduce((sum, bell) => sum + bell);
  const weights = bells.map((bell) => bell / total);
  const blurLine = (line: Uint8Array): Uint8Array =>
    line.map((_, x) => {
      const value = weights.reduce(
        (sum, weight, i) => sum + weight * line[mirrored(x + i - reach, line.length)]!,
        0,
      );
      return Math.round(value);
    });
  return { ...mask, data: alongBoth(mask, blurLine) };
}

/** Index of the pixel that lies mirrored at the first or last one, which are not doubled. */
function mirrored(place: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const within = ((place % period) + period) % period;
  return Math.min(within, period - within);
}

/**
 * Pillow's `GaussianBlur`, byte for byte: three box blurs along rows, then along columns. Gwosdek et al. 2011, "Theoretical
 * foundations of Gaussian convolution by extended box filtering".
 * @param image Any number of channels, each blurred alone.
 */
export function boxGaussianBlur<Image extends RgbImage>(image: Image, radius: number): Image {
  if (radius <= 0) return image;
  const box = boxRadius(radius, PASSES);
  const blurLine = (line: Uint8Array): Uint8Array => {
    for (let pass = 0; pass < PASSES; pass += 1) line = boxBlur(line, box);
    return line;
  };
  return { ...image, data: alongBoth(image, blurLine) };
}

const PASSES = 3;
/** Weights are whole multiples of 2⁻²⁴. */
const UNIT = 2 ** 24;

/** Radius of a box that, used `passes` times, spreads as far as a Gaussian; the fraction counts for the outermost pixels. */
function boxRadius(sigma: number, passes: number): number {
  const variance = fround(fround(sigma * sigma) / passes);
  const whole = Math.floor(fround((fround(Math.sqrt(12 * variance + 1)) - 1) / 2));
  const fraction = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
  return fround(whole + fround(fround(fraction) / (6 * (variance - (whole + 1) * (whole + 1)))));
}

function boxBlur(line: Uint8Array, radius: number): Uint8Array {
  const reach = Math.trunc(radius);
  const weight = Math.trunc(fround(UNIT / fround(radius * 2 + 1)));
  const outer = Math.trunc((UNIT - (reach * 2 + 1) * weight) / 2);
  const last = line.length - 1;
  const at = (place: number) => line[Math.min(Math.max(place, 0), last)]!;
  let sum = 0;
  for (let place = -reach; place <= reach; place += 1) sum += at(place);
  return line.map((_, x) => {
    const value = sum * weight + (at(x - reach - 1) + at(x + reach + 1)) * outer;
    sum += at(x + reach + 1) - at(x - reach);
    return Math.floor((value + UNIT / 2) / UNIT);
  });
}

/** Does something to every row of every channel, then to every column. */
function alongBoth(image: RgbImage, change: (line: Uint8Array) => Uint8Array): Uint8Array {
  const { width, height } = image;
  const channels = channelsOf(image);
  const data = image.data.slice();
  const through = (start: number, stride: number, length: number) => {
    const line = new Uint8Array(length);
    for (let i = 0; i < length; i += 1) line[i] = data[start + i * stride]!;
    change(line).forEach((value, i) => (data[start + i * stride] = value));
  };
  for (let channel = 0; channel < channels; channel += 1) {
    for (let y = 0; y < height; y += 1) through(y * width * channels + channel, channels, width);
    for (let x = 0; x < width; x += 1) through(x * channels + channel, width * channels, height);
  }
  return data;
}
