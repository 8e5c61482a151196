import { expect, it } from 'vitest';
import { consistent, distilledLevels, distilledTimestep } from './consistency.ts';
import type { Latents } from './latents.ts';
import { NoiseLevels, scaledLinear } from './schedules/noise-levels.ts';

const levels = new NoiseLevels(scaledLinear());
const distilled = distilledLevels(levels);

it('knows every twentieth level of the model', () => {
  expect(distilled.sigmas).toHaveLength(50);
  expect(distilled.sigmaMax).toBe(levels.sigmaMax);
  expect(distilled.sigmaMin).toBe(levels.sigmas[19]);
  for (const timestep of [19, 39, 499, 999]) {
    expect(distilledTimestep(distilled, levels.sigmaOf(timestep))).toBe(timestep);
  }
  expect(distilledTimestep(distilled, levels.sigmaOf(505))).toBe(499);
  expect(distilledTimestep(distilled, 1e-6)).toBe(19);
});

it('answers with the picture where there is noise, with what it is shown where there is none', async () => {
  const dims = [1, 1, 1, 2] as const;
  const x: Latents = { data: Float32Array.of(3, -5), dims };
  const clean: Latents = { data: Float32Array.of(1, 2), dims };
  const at = async (timestep: number) =>
    (
      await consistent(
        async () => clean,
        () => timestep,
      )(x, 1)
    ).data;
  (await at(999)).forEach((value, i) => expect(value).toBeCloseTo(clean.data[i], 6));
  expect(await at(0)).toEqual(x.data);
});
