import type { NoiseLevels } from './noise-levels.ts';

/** Every (1000 / steps)-th of the model's noise levels, from the noisiest, without interpolation. ComfyUI's `simple`. */
export function simple(steps: number, { sigmas }: NoiseLevels): number[] {
  const stride = sigmas.length / steps;
  const walk = Array.from({ length: steps }, (_, i) => sigmas[sigmas.length - 1 - Math.floor(i * stride)]);
  return [...walk, 0];
}
