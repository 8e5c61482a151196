import type { SizeConditioning } from './diffusion-model.ts';

/** Sinusoids for each number; `outdim` of SDXL's size embedders. */
const WIDTH = 256;

/**
 * What SDXL learns besides the text: the pooled text and sinusoids of each number of the sizes, side by side. The base model
 * takes original, crop and target size, six numbers; the refiner a score in place of the target size, five.
 * Podell et al. 2023, arXiv:2307.01952.
 * @param width of the UNet's input `vector`; tells how many numbers it takes
 * @returns [width]
 */
export function sizeVector(pooled: Float32Array, size: SizeConditioning, width: number): Float32Array {
  const hasScore = width === pooled.length + 5 * WIDTH;
  const numbers = [...size.original, ...size.crop, ...(hasScore ? [size.aestheticScore ?? 6] : size.target)];
  if (width !== pooled.length + numbers.length * WIDTH) {
    throw new RangeError(
      `Expected a pooled vector of ${width - numbers.length * WIDTH} values but received ${pooled.length}.`,
    );
  }
  const vector = new Float32Array(width);
  vector.set(pooled);
  numbers.forEach((number, index) => vector.set(sinusoids(number), pooled.length + index * WIDTH));
  return vector;
}

/** Cosines, then sines; frequencies rounded step by step to float32 as the original does. */
function sinusoids(value: number): Float32Array {
  const half = WIDTH / 2;
  const waves = new Float32Array(WIDTH);
  for (let index = 0; index < half; index += 1) {
    const power = Math.fround(Math.fround(Math.fround(-Math.log(10_000)) * index) / half);
    const angle = Math.fround(Math.fround(Math.exp(power)) * value);
    waves[index] = Math.cos(angle);
    waves[half + index] = Math.sin(angle);
  }
  return waves;
}
