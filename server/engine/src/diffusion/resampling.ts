/** A filter for resizing: its value at a distance from the middle, 0 beyond `support`. */
export interface Kernel {
  readonly support: number;
  readonly at: (distance: number) => number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Keys 1981, "Cubic convolution interpolation". @param a −0.5 in Pillow, −0.75 in PyTorch. */
function cubic(a: number): Kernel {
  const at = (distance: number) => {
    const x = Math.abs(distance);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
  };
  return { support: 2, at };
}

export const KERNELS = {
  bilinear: { support: 1, at: (distance) => Math.max(1 - Math.abs(distance), 0) },
  bicubic: cubic(-0.5),
  /** As PyTorch has it. */
  'bicubic-sharp': cubic(-0.75),
  lanczos: {
    support: 3,
    at: (distance) => (Math.abs(distance) < 3 ? sinc(distance) * sinc(distance / 3) : 0),
  },
} as const satisfies Record<string, Kernel>;

/** What one value of a resized line is made of. */
export interface Taps {
  /** Index of the first value that counts. */
  readonly start: number;
  /** Of it and the ones after it; they add up to 1. */
  readonly weights: Float64Array;
}

/**
 * The weights of Pillow's `resize`: the filter is stretched when a line gets shorter ("antialias"), cut off at its ends, and
 * brought back to a sum of 1.
 * @param box Part of the line that is resized, which may lie between values; default: all of it.
 */
export function stretchedTaps(
  from: number,
  to: number,
  { support, at }: Kernel,
  box: readonly [start: number, end: number] = [0, from],
): Taps[] {
  const scale = (box[1] - box[0]) / to;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: to }, (_, index) => {
    const middle = box[0] + (index + 0.5) * scale;
    const start = Math.max(Math.trunc(middle - support * stretch + 0.5), 0);
    const end = Math.min(Math.trunc(middle + support * stretch + 0.5), from);
    const weights = Float64Array.from({ length: end - start }, (__, i) =>
      at((start + i - middle + 0.5) / stretch),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { start, weights: sum === 0 ? weights : weights.map((weight) => weight / sum) };
  });
}

/**
 * The weights of PyTorch's `interpolate` without antialias: the filter is never stretched, and values beyond the ends are
 * those at the ends.
 */
export function pointTaps(from: number, to: number, { support, at }: Kernel): Taps[] {
  const scale = from / to;
  return Array.from({ length: to }, (_, index) => {
    const middle = (index + 0.5) * scale - 0.5;
    const first = Math.floor(middle) - support + 1;
    const clamp = (place: number) => Math.min(Math.max(place, 0), from - 1);
    const start = clamp(first);
    const weights = new Float64Array(clamp(first + 2 * support - 1) - start + 1);
    for (let place = first; place < first + 2 * support; place += 1) {
      weights[clamp(place) - start] += at(place - middle);
    }
    return { start, weights };
  });
}
