import type { Latents } from '../latents.ts';
import type { StepNoise } from '../sampler.ts';
import { brownianTreeNoise } from './brownian-tree.ts';
import type { GeneratorState, NoiseGenerator } from './noise-generator.ts';
import { PhiloxGenerator } from './philox.ts';
import { spherical } from './spherical.ts';
import { TorchCpuGenerator } from './torch-cpu.ts';

/** Dims of one picture's latents. */
export type PictureDims = readonly [channels: number, height: number, width: number];

/** Whose sequence the noise of a seed is: torch's on the CPU, or on a GPU. */
export type NoiseDevice = 'cpu' | 'gpu';

/** What the noise of a batch of pictures is made from. */
export interface ImageNoiseRequest {
  readonly device: NoiseDevice;
  readonly dims: PictureDims;
  /** One for each picture; a picture's noise does not depend on the others. */
  readonly seeds: readonly number[];
  /** A second seed for each picture, and how much of its noise is in the first draw: 0…1. */
  readonly variation?: { readonly seeds: readonly number[]; readonly strength: number };
  /** Latents size of another picture of the seed, whose first draw is laid in the middle of this one's. */
  readonly resizeFrom?: { readonly height: number; readonly width: number };
  /** Added to the seeds for all draws but the first ("eta noise seed delta"); default 0. */
  readonly stepSeedDelta?: number;
}

/** Where an {@link ImageNoise} is: plain data. */
export interface ImageNoiseState {
  readonly isBegun: boolean;
  readonly generators: readonly GeneratorState[];
}

/** The noise of a batch of pictures, draw after draw. */
export interface ImageNoise {
  /** The next draw: the first is for the first latents, the others are for whatever else needs noise. */
  next: () => Latents;
  /** Noise from one Brownian path a picture. @param range Smallest and largest noise level asked for. */
  path: (range: readonly [min: number, max: number]) => StepNoise;
  save: () => ImageNoiseState;
}

/**
 * The webui's noise: a generator of its own for every picture. `modules/rng.py` of 1.10, and its
 * `create_noise_sampler` for paths.
 * @param state Where to go on; the request must be the same.
 */
export function imageNoise(request: ImageNoiseRequest, state?: ImageNoiseState): ImageNoise {
  const { device, dims, seeds, stepSeedDelta = 0 } = request;
  const size = sizeOf(dims);
  let isBegun = state?.isBegun ?? false;
  let generators = state?.generators.map(resumed) ?? seeds.map((seed) => generatorOf(device, seed));
  const batch = (pictures: readonly Float32Array[]) => stacked(pictures, dims);
  const first = () => {
    const pictures = generators.map((generator, index) => firstDraw(request, index, generator));
    if (stepSeedDelta !== 0) generators = seeds.map((seed) => generatorOf(device, seed + stepSeedDelta));
    isBegun = true;
    return batch(pictures);
  };
  return {
    next: () => (isBegun ? batch(generators.map((generator) => generator.normals(size))) : first()),
    path: ([min, max]) => {
      const normals = (seed: number, count: number) => generatorOf(device, seed).normals(count);
      const trees = seeds.map((seed) => brownianTreeNoise(seed, size, min, max, normals));
      return (from, to) => batch(trees.map((tree) => tree(from, to)));
    },
    save: () => ({ isBegun, generators: generators.map((generator) => generator.save()) }),
  };
}

/** The generator of a seed. */
export function generatorOf(device: NoiseDevice, seed: number): NoiseGenerator {
  return device === 'cpu' ? new TorchCpuGenerator(seed) : new PhiloxGenerator(seed);
}

/** A generator where it was. */
export function resumed(state: GeneratorState): NoiseGenerator {
  return state.kind === 'torch-cpu'
    ? new TorchCpuGenerator(state)
    : new PhiloxGenerator(state.seed, state.draws);
}

export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, length) => product * length, 1);
}

/** The first draw of one picture. */
function firstDraw(
  { device, dims, seeds, variation, resizeFrom }: ImageNoiseRequest,
  index: number,
  generator: NoiseGenerator,
): Float32Array {
  const drawn: PictureDims = resizeFrom ? [dims[0], resizeFrom.height, resizeFrom.width] : dims;
  const isResized = drawn[1] !== dims[1] || drawn[2] !== dims[2];
  // Only what the whole picture is filled with is taken from its own sequence.
  const source = isResized ? generatorOf(device, seeds[index]) : generator;
  let noise = source.normals(sizeOf(drawn));
  if (variation && variation.strength !== 0) {
    const other = generatorOf(device, variation.seeds[index] ?? 0).normals(sizeOf(drawn));
    noise = spherical(noise, other, variation.strength, drawn);
  }
  return isResized ? laidInMiddle(noise, drawn, generator.normals(sizeOf(dims)), dims) : noise;
}

/** `ground` with `picture` in its middle, cut off where it is larger. */
function laidInMiddle(
  picture: Float32Array,
  from: PictureDims,
  ground: Float32Array,
  to: PictureDims,
): Float32Array {
  const [channels, height, width] = to;
  // Half of the difference, rounded down as Python does, also where it is negative.
  const [dy, dx] = [Math.floor((height - from[1]) / 2), Math.floor((width - from[2]) / 2)];
  const rows = dy >= 0 ? from[1] : from[1] + 2 * dy;
  const columns = dx >= 0 ? from[2] : from[2] + 2 * dx;
  const laid = ground.slice();
  for (let c = 0; c < channels; c++) {
    for (let row = 0; row < rows; row++) {
      const start = (c * from[1] + row + Math.max(-dy, 0)) * from[2] + Math.max(-dx, 0);
      const place = (c * height + row + Math.max(dy, 0)) * width + Math.max(dx, 0);
      laid.set(picture.subarray(start, start + columns), place);
    }
  }
  return laid;
}

/** Pictures as one batch. */
export function stacked(pictures: readonly Float32Array[], dims: PictureDims): Latents {
  const size = sizeOf(dims);
  const data = new Float32Array(pictures.length * size);
  pictures.forEach((picture, index) => data.set(picture, index * size));
  return { data, dims: [pictures.length, ...dims] };
}
