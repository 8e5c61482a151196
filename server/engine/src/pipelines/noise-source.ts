import type { Latents } from '../diffusion/latents.ts';
import { brownianTreeNoise } from '../diffusion/random/brownian-tree.ts';
import { TorchCpuGenerator } from '../diffusion/random/torch-cpu.ts';
import type { StepNoise } from '../diffusion/sampler.ts';
import type { SamplingPlan } from './sampling-plan.ts';

/** Draws of unit noise, one after the other from the seed's sequence. @param dims Default: those of the latents drawn. */
export type Draws = (dims?: Latents['dims']) => Latents;

export function drawsOf(seed: number, dims: Latents['dims']): Draws {
  const generator = new TorchCpuGenerator(seed);
  return (own = dims) => ({ data: generator.normals(sizeOf(own)), dims: own });
}

/** The noise that a sampler adds: on from `draws`, or from one Brownian path of the seed. */
export function stepNoiseOf(
  { noise, range }: Pick<SamplingPlan, 'noise' | 'range'>,
  seed: number,
  { draws, dims }: { draws: Draws; dims: Latents['dims'] },
): StepNoise {
  if (noise === 'sequence') return () => draws();
  const tree = brownianTreeNoise(seed, sizeOf(dims), ...range);
  return (from, to) => ({ data: tree(from, to), dims });
}

function sizeOf(dims: Latents['dims']): number {
  return dims.reduce((product, length) => product * length);
}
