import type { StepNoise } from '../sampler.ts';
import { brownianTreeNoise } from './brownian-tree.ts';
import type { ImageNoise, ImageNoiseState, NoiseDevice, PictureDims } from './image-noise.ts';
import { generatorOf, resumed, sizeOf } from './image-noise.ts';

/** What the noise of a batch of pictures is made from, as ComfyUI makes it. */
export interface ComfyUiNoiseRequest {
  /** One for the whole batch: a picture's noise depends on its place in it. */
  readonly seed: number;
  readonly pictures: number;
  readonly dims: PictureDims;
  /** Where ComfyUI would run, which decides whose sequence the noise of steps is. */
  readonly device: NoiseDevice;
}

/**
 * ComfyUI's noise: the first draw is torch's on the CPU wherever it runs; steps have a sequence of their own, on a GPU that
 * of the same seed there, on the CPU that of the next seed. `comfy/sample.py` and `comfy/k_diffusion/sampling.py`.
 * @param state Where to go on; the request must be the same.
 */
export function comfyUiNoise(request: ComfyUiNoiseRequest, state?: ImageNoiseState): ImageNoise {
  const { seed, pictures, dims, device } = request;
  const batch = [pictures, ...dims] as const;
  const size = sizeOf(batch);
  let isBegun = state?.isBegun ?? false;
  const saved = state?.generators[0];
  const steps = saved ? resumed(saved) : generatorOf(device, device === 'cpu' ? seed + 1 : seed);
  return {
    next: () => {
      const source = isBegun ? steps : generatorOf('cpu', seed);
      isBegun = true;
      return { data: source.normals(size), dims: batch };
    },
    path: ([min, max]): StepNoise => {
      const tree = brownianTreeNoise(seed, size, min, max);
      return (from, to) => ({ data: tree(from, to), dims: batch });
    },
    save: () => ({ isBegun, generators: [steps.save()] }),
  };
}
