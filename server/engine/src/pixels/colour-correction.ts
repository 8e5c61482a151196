import type { RgbImage } from './image.ts';
import { labOf, rgbOf } from './lab.ts';

/**
 * Gives a drawn picture the colours of another: its histograms in L*a*b* become those of the other, and what was drawn keeps
 * its luminosity. The webui's colour correction, which holds off the drift of colours where a picture is redone again and again.
 * @param target Of any size.
 */
export function colourCorrected(drawn: RgbImage, target: RgbImage): RgbImage {
  const [source, wanted] = [labOf(drawn.data), labOf(target.data)];
  const matched = new Uint8Array(source.length);
  for (let channel = 0; channel < 3; channel += 1) {
    const values = matchingValues(histogram(source, channel), histogram(wanted, channel));
    for (let i = channel; i < source.length; i += 3) matched[i] = values[source[i]!]!;
  }
  return { ...drawn, data: withLuminosity(rgbOf(matched), drawn.data) };
}

/** How many pixels have each of the 256 values, of interleaved pixels of three. */
function histogram(pixels: Uint8Array, channel: number): Float64Array {
  const counts = new Float64Array(256);
  for (let i = channel; i < pixels.length; i += 3) counts[pixels[i]!]! += 1;
  return counts;
}

/**
 * Which value each value becomes, so that as large a part of the pixels lies below it: as scikit-image's `match_histograms`,
 * straight between the values that are there, the fraction dropped. Gonzalez & Woods, "Digital Image Processing", 3.3.2.
 */
function matchingValues(source: Float64Array, target: Float64Array): Uint8Array {
  const parts = quantiles(source);
  const there = quantiles(target)
    .map((part, value) => [part, value] as const)
    .filter(([, value]) => target[value] !== 0);
  let upper = 0;
  return Uint8Array.from(parts, (part) => {
    while (upper < there.length - 1 && there[upper]![0] < part) upper += 1;
    const [high, value] = there[upper]!;
    const [low, before] = there[upper - 1] ?? [high, value];
    if (part >= high) return value;
    return high === low || part <= low ? before : before + ((part - low) / (high - low)) * (value - before);
  });
}

/** The part of the pixels that have this value or a smaller one. */
function quantiles(counts: Float64Array): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let sum = 0;
  return Array.from(counts, (count) => (sum += count) / total);
}

const luminosity = (r: number, g: number, b: number): number => 0.299 * r + 0.587 * g + 0.114 * b;

/**
 * Colours with the luminosity of other pixels: moved there evenly, then drawn in towards grey where they left 0…1. "Luminosity"
 * of the W3C's "Compositing and Blending", section 10.2; bytes are truncated, as Python's blendmodes has it.
 */
function withLuminosity(colours: Uint8Array, from: Uint8Array): Uint8Array {
  const result = new Uint8Array(colours.length);
  for (let i = 0; i < colours.length; i += 3) {
    const [r, g, b] = [0, 1, 2].map((channel) => colours[i + channel]! / 255) as [number, number, number];
    const wanted = luminosity(from[i]! / 255, from[i + 1]! / 255, from[i + 2]! / 255);
    const moved = [r, g, b].map((value) => value + wanted - luminosity(r, g, b));
    const [low, high] = [Math.min(...moved), Math.max(...moved)];
    moved.forEach((value, channel) => {
      let within = value;
      if (low < 0) within = wanted + ((within - wanted) * wanted) / (wanted - low);
      if (high > 1) within = wanted + ((within - wanted) * (1 - wanted)) / (high - wanted);
      // Within rounding of whole bytes, so that a picture that is already right stays.
      result[i + channel] = Math.trunc(255 * Math.min(Math.max(within, 0), 1) + 1e-9);
    });
  }
  return result;
}
