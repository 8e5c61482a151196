import { describe, expect, it } from 'vitest';
import type { Denoiser } from '../../../engine/src/diffusion/denoiser.ts';
import { denoiser } from '../../../engine/src/diffusion/denoiser.ts';
import { weightedSum } from '../../../engine/src/diffusion/latents.ts';
import type { Sampler } from '../../../engine/src/diffusion/sampler.ts';
import { ddimCfgPp } from '../../../engine/src/diffusion/samplers/ddim-cfg-pp.ts';
import { ddim } from '../../../engine/src/diffusion/samplers/ddim.ts';
import { plms } from '../../../engine/src/diffusion/samplers/plms.ts';
import { restart } from '../../../engine/src/diffusion/samplers/restart.ts';
import type { UniPc } from '../../../engine/src/diffusion/samplers/unipc.ts';
import { uniPc } from '../../../engine/src/diffusion/samplers/unipc.ts';
import { NoiseLevels, scaledLinear } from '../../../engine/src/diffusion/schedules/noise-levels.ts';
import type { UniPcSkip } from '../../../engine/src/diffusion/schedules/timesteps.ts';
import { uniPcLevels } from '../../../engine/src/diffusion/schedules/timesteps.ts';
import { hasGoldens, maxDifference } from './goldens.ts';
import type { Case } from './trajectory.ts';
import {
  counted,
  expectStates,
  mixture,
  network,
  samplerRow,
  shrink,
  start,
  stored,
  storedRuns,
  trajectory,
} from './trajectory.ts';

/** As for k-diffusion, whose plain float32 runs differ from the float64 reference by up to 3.5e-6. */
const TOLERANCE = 2e-5;
const WEBUI = 'webui 1.10';

interface Golden extends Case {
  sampler: string;
  args: { variant: NonNullable<UniPc['variant']>; skip_type: UniPcSkip; order: number };
}

describe.skipIf(!hasGoldens)('samplers of webui 1.10', () => {
  const levels = new NoiseLevels(scaledLinear());
  const { cases, tensors } = storedRuns<Golden>('webui');
  const of = (kind: RegExp) => cases.filter(({ sampler }) => kind.test(sampler));

  /** The reference's model that sees less noise without the prompt. */
  const withUncond =
    (denoise: Denoiser): Denoiser =>
    async (x, sigma) => {
      const denoised = await denoise(x, sigma);
      return { ...denoised, uncond: weightedSum([0.1, x], [0.9, denoised]) };
    };

  const timed: Record<string, Sampler> = {
    ddim: ddim(),
    ddim_eta1: ddim({ eta: 1 }),
    ddim_cfgpp: ddimCfgPp(),
    plms: plms(),
  };

  it.each(of(/^(ddim|plms)/))('follows $id', async ({ id, sampler, model_calls: calls }) => {
    const timesteps = [...tensors.get(`${id}.timesteps`)!.data].reverse();
    const sigmas = timesteps.map((t) => levels.sigmaOf(t));
    const model = counted(withUncond(mixture()));
    const x = start(1 / shrink(sigmas[0]!));
    const noise = stored(tensors.get(`${id}.noise`));
    const states = await trajectory(timed[sampler]!, model.denoise, x, sigmas, { noise });
    // The reference reports latents after a step, so the result comes twice.
    const reported = [...states, ...states.slice(-1)];
    const scales = [...sigmas, sigmas.at(-1)!].map(shrink);
    const expected = tensors.get(`${id}.x`)!;
    expectStates(samplerRow(sampler, WEBUI), reported, { expected, tolerance: TOLERANCE, scales });
    expect(model.calls()).toBe(calls);
  });

  it.each(of(/^unipc/))('follows $id', async ({ id, sampler, args, model_calls: calls }) => {
    const asked = [...tensors.get(`${id}.model_t`)!.data];
    const own = uniPcLevels(asked.length, levels, asked[0]!, args.skip_type);
    const timesteps = own.map(({ timestep }) => timestep);
    expect(maxDifference(timesteps.slice(0, -1), asked)).toBeLessThan(1e-3);
    const sigmas = own.map(({ sigma }) => sigma);
    const clock = (sigma: number) => timesteps[sigmas.indexOf(sigma)]!;
    const model = counted(denoiser(network('epsilon', levels), 'epsilon', clock));
    const x = start(1 / shrink(sigmas[0]!));
    const method = uniPc({ order: args.order, variant: args.variant });
    const states = await trajectory(method, model.denoise, x, sigmas, { noise: stored(undefined) });
    const reported = [...states, ...states.slice(-1)];
    const scales = [...sigmas, sigmas.at(-1)!].map(shrink);
    const expected = tensors.get(`${id}.x`)!;
    expectStates(samplerRow(sampler, WEBUI), reported, { expected, tolerance: TOLERANCE, scales });
    expect(model.calls()).toBe(calls);
  });

  it.each(of(/^restart/))('follows $id', async ({ id, model_calls: calls }) => {
    const sigmas = [...tensors.get(`${id}.sigmas`)!.data];
    const model = counted(mixture());
    const noise = stored(tensors.get(`${id}.noise`));
    const states = await trajectory(restart, model.denoise, start(sigmas[0]!), sigmas, { noise });
    const expected = tensors.get(`${id}.x`)!;
    expectStates(samplerRow('restart', WEBUI), states, { expected, tolerance: TOLERANCE });
    expect(model.calls()).toBe(calls);
  });

  it('covers all of them', () => {
    expect(of(/^(ddim|plms|unipc|restart)/)).toHaveLength(cases.length);
  });
});
