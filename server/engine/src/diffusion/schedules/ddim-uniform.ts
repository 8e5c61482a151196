import type { NoiseLevels } from './noise-levels.ts';

/**
 * Every (1000 // steps)-th of the model's noise levels from the second-cleanest up, as DDIM counts its timesteps.
 * The noisiest is a little below the model's; where 1000 is no multiple of `steps` there are more levels.
 */
export function ddimUniform(steps: number, { sigmas }: NoiseLevels): number[] {
  const stride = Math.max(Math.floor(sigmas.length / steps), 1);
  const walk: number[] = [];
  for (let timestep = 1; timestep < sigmas.length; timestep += stride) walk.unshift(sigmas[timestep]);
  return [...walk, 0];
}
