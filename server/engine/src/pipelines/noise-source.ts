import type { Latents } from '../diffusion/latents.ts';
import { comfyUiNoise } from '../diffusion/random/comfyui-noise.ts';
import { generatorOf, imageNoise, sizeOf, type ImageNoise } from '../diffusion/random/image-noise.ts';
import type { StepNoise } from '../diffusion/sampler.ts';
import type { SamplingPlan } from './sampling-plan.ts';
import { isComfyUi } from './seed-settings.ts';
import type { Settings } from './settings.ts';

/** The noise of one picture, draw after draw. */
export interface NoiseSource {
  /** The next unit noise: that of the first latents, then what steps and others need. */
  readonly next: () => Latents;
  /** The next of the same sequence in any size, for what precedes the first latents; null = the webui, which has nothing. */
  readonly before: ((dims: Latents['dims']) => Latents) | null;
  /** The noise that a sampler adds: on from the sequence, or from one Brownian path of the seed. */
  readonly ofSteps: (plan: Pick<SamplingPlan, 'noise' | 'range'>) => StepNoise;
}

/**
 * @param dims Of the latents that are drawn.
 * @param factor Pixels along the side of one latent.
 */
export function noiseSource(
  { noise, conventions }: Pick<Settings, 'noise' | 'conventions'>,
  dims: Latents['dims'],
  factor: number,
): NoiseSource {
  if (conventions === 'diffusers') return oneSequence(noise, dims);
  const source = isComfyUi(noise.origin) ? ofComfyUi(noise, dims) : ofWebui(noise, dims, factor);
  const ofSteps: NoiseSource['ofSteps'] = (plan) =>
    plan.noise === 'sequence' ? source.next : source.path(plan.range);
  return { next: source.next, before: null, ofSteps };
}

/** The first noise of a seed alone, whatever else was asked of the seed. */
export function plainNoise({ noise }: Pick<Settings, 'noise'>, dims: Latents['dims']): Latents {
  return generatorFor(noise).latents(dims);
}

function ofWebui(
  { seed, origin, ...wishes }: Settings['noise'],
  dims: Latents['dims'],
  factor: number,
): ImageNoise {
  const { variation, resizeFrom, stepSeedDelta } = wishes;
  const [, channels, height, width] = dims;
  const latent = (side: number) => Math.floor(side / factor);
  return imageNoise({
    device: origin === 'gpu' ? 'gpu' : 'cpu',
    dims: [channels, height, width],
    seeds: [seed],
    stepSeedDelta,
    ...(variation && { variation: { seeds: [variation.seed], strength: variation.strength } }),
    ...(resizeFrom && {
      resizeFrom: { width: latent(resizeFrom.width), height: latent(resizeFrom.height) },
    }),
  });
}

function ofComfyUi(
  { seed, origin }: Settings['noise'],
  [, channels, height, width]: Latents['dims'],
): ImageNoise {
  const device = origin === 'comfyui' ? 'gpu' : 'cpu';
  return comfyUiNoise({ seed, pictures: 1, dims: [channels, height, width], device });
}

/** Everything comes from one sequence: diffusers. */
function oneSequence(noise: Settings['noise'], dims: Latents['dims']): NoiseSource {
  const { latents } = generatorFor(noise);
  const next = () => latents(dims);
  return { next, before: latents, ofSteps: () => next };
}

function generatorFor({ seed, origin }: Settings['noise']): { latents: (dims: Latents['dims']) => Latents } {
  const generator = generatorOf(origin === 'gpu' ? 'gpu' : 'cpu', seed);
  return { latents: (dims) => ({ data: generator.normals(sizeOf(dims)), dims }) };
}
