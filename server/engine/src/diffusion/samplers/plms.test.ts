import { expect, it } from 'vitest';
import type { Denoiser } from '../denoiser.ts';
import type { Latents } from '../latents.ts';
import { NoiseLevels, scaledLinear } from '../schedules/noise-levels.ts';
import { leadingTimesteps } from '../schedules/timesteps.ts';
import { plms } from './plms.ts';

// diffusers 0.42.1's PNDMScheduler (leading, skip_prk_steps, v_prediction), 6 steps, over v = sin(1.7 x) + t/1000 cos(x).
const START = [1.5409961, -0.2934289, -2.1787894, 0.5684313, -1.0845224, -1.3985955, 0.4033468, 0.8380263];
const END = [0.2630657, -0.1134268, -2.1662357, 0.002162, -0.1982751, -0.2949081, -0.0235738, 0.0113375];

it('takes the mean of v where the model predicts v, as diffusers does', async () => {
  const levels = new NoiseLevels(scaledLinear('float32'));
  const timesteps = leadingTimesteps(6);
  const sigmas = [...timesteps, 0].map((timestep) => levels.sigmaOf(timestep));
  const dims: Latents['dims'] = [1, 4, 1, 2];
  const model: Denoiser = (x, sigma) => {
    const alpha = 1 / Math.sqrt(1 + sigma ** 2);
    const timestep = Math.round(levels.timestepOf(sigma));
    const data = x.data.map((value) => {
      const scaled = alpha * value;
      const v = Math.sin(1.7 * scaled) + (timestep / 1000) * Math.cos(scaled);
      return alpha * scaled - sigma * alpha * v;
    });
    return Promise.resolve({ data, dims });
  };
  const spread = (sigma: number): number => Math.sqrt(1 + sigma ** 2);
  const ends: Record<string, number[]> = {};
  for (const averaged of ['v', 'noise'] as const) {
    const data = Float32Array.from(START, (value) => value * spread(sigmas[0]));
    const walk = plms(averaged)(model, { data, dims }, sigmas, () => {
      throw new Error('PLMS takes no noise.');
    });
    let result = await walk.next();
    while (!result.done) result = await walk.next();
    ends[averaged] = Array.from(result.value.data, (value) => value / spread(sigmas.at(-1)!));
  }
  const furthest = (end: readonly number[]): number =>
    Math.max(...END.map((value, index) => Math.abs(value - end[index])));
  expect(furthest(ends.v)).toBeLessThan(1e-5);
  expect(furthest(ends.noise)).toBeGreaterThan(0.01); // the means do differ here
});
