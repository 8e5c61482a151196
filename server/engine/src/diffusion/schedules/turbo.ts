import type { NoiseLevels } from './noise-levels.ts';

/** Every (1000 / steps)-th timestep from 999 down, for models distilled to few steps. Forge's `Turbo`. */
export function turbo(steps: number, { sigmas }: NoiseLevels): number[] {
  const stride = sigmas.length / steps;
  const walk = Array.from({ length: steps }, (_, i) => sigmas[Math.round((steps - i) * stride - 1)]);
  return [...walk, 0];
}
