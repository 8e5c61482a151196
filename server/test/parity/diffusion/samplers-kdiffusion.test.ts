import { describe, expect, it } from 'vitest';
import type { Sampler } from '../../../engine/src/diffusion/sampler.ts';
import { dpm2Ancestral } from '../../../engine/src/diffusion/samplers/dpm-2-ancestral.ts';
import { dpm2 } from '../../../engine/src/diffusion/samplers/dpm-2.ts';
import { dpmAdaptive } from '../../../engine/src/diffusion/samplers/dpm-adaptive.ts';
import { dpmFast } from '../../../engine/src/diffusion/samplers/dpm-fast.ts';
import { dpmpp2mSde } from '../../../engine/src/diffusion/samplers/dpmpp-2m-sde.ts';
import { dpmpp2m } from '../../../engine/src/diffusion/samplers/dpmpp-2m.ts';
import { dpmpp2sAncestral } from '../../../engine/src/diffusion/samplers/dpmpp-2s-ancestral.ts';
import { dpmpp3mSde } from '../../../engine/src/diffusion/samplers/dpmpp-3m-sde.ts';
import { dpmppSde } from '../../../engine/src/diffusion/samplers/dpmpp-sde.ts';
import { eulerAncestral } from '../../../engine/src/diffusion/samplers/euler-ancestral.ts';
import { euler } from '../../../engine/src/diffusion/samplers/euler.ts';
import { heun } from '../../../engine/src/diffusion/samplers/heun.ts';
import { lcm } from '../../../engine/src/diffusion/samplers/lcm.ts';
import { lms } from '../../../engine/src/diffusion/samplers/lms.ts';
import { evenly } from '../../../engine/src/diffusion/schedules/schedule.ts';
import { hasGoldens } from './goldens.ts';
import type { Case } from './trajectory.ts';
import {
  counted,
  expectStates,
  mixture,
  samplerRow,
  start,
  stored,
  storedRuns,
  trajectory,
} from './trajectory.ts';

describe.skipIf(!hasGoldens)('samplers of k-diffusion 0.1.1', () => {
  /** Their plain float32 runs differ from the float64 reference by up to 3.5e-6. */
  const TOLERANCE = 2e-5;
  type Arguments = Record<string, number | string | undefined>;
  const samplers: Record<string, (args: Arguments) => Sampler> = {
    euler: (args) => euler(churn(args)),
    heun: (args) => heun(churn(args)),
    dpm_2: (args) => dpm2(churn(args)),
    euler_ancestral: (args) => eulerAncestral(ancestral(args)),
    dpm_2_ancestral: (args) => dpm2Ancestral(ancestral(args)),
    dpmpp_2s_ancestral: (args) => dpmpp2sAncestral(ancestral(args)),
    dpmpp_sde: ({ r, ...args }) => dpmppSde({ ...ancestral(args), ...given('middle', r) }),
    dpmpp_2m: () => dpmpp2m,
    dpmpp_2m_sde: ({ solver_type: solver = 'midpoint', ...args }) =>
      dpmpp2mSde({ ...ancestral(args), solver: solver as 'midpoint' | 'heun' }),
    dpmpp_3m_sde: (args) => dpmpp3mSde(ancestral(args)),
    lms: ({ order }) => lms(order as number | undefined),
    lcm: () => lcm,
    dpm_fast: (args) => dpmFast(ancestral(args)),
    dpm_adaptive: ({ order, rtol, ...args }) =>
      dpmAdaptive({ ...ancestral(args), ...given('order', order), ...given('relative', rtol) }),
  };
  const given = (name: string, value: unknown) => (value === undefined ? {} : { [name]: value as number });
  const ancestral = ({ eta, s_noise: noise }: Arguments) => ({
    ...given('eta', eta),
    ...given('noiseScale', noise),
  });
  const churn = ({ s_churn: amount, s_tmin: tMin, s_tmax: tMax, s_noise: noise }: Arguments) => ({
    ...given('churn', amount),
    ...given('tMin', tMin),
    ...given('tMax', tMax),
    ...given('noiseScale', noise),
  });

  interface Golden extends Case {
    sampler: string;
    args: Arguments;
    sigma_min?: number;
    sigma_max?: number;
  }
  const { cases, tensors } = storedRuns<Golden>('kdiffusion');

  /** Of samplers that choose their own levels only the ends are stored, and how many evaluations were asked for. */
  const sigmasOf = ({ id, args, sigma_min: low, sigma_max: high }: Golden) =>
    low && high ? evenly(high, low, Number(args['n'] ?? 1) + 1) : [...tensors.get(`${id}.sigmas`)!.data];

  it.each(cases)('follows $id', async (golden) => {
    const { id, sampler, args, model_calls: calls } = golden;
    const sigmas = sigmasOf(golden);
    const model = counted(mixture());
    const noise = stored(tensors.get(`${id}.noise`));
    const x = start(sigmas[0]!);
    const states = await trajectory(samplers[sampler]!(args), model.denoise, x, sigmas, { noise });
    // This one is reported after its steps, so that the result comes twice.
    const reported = sampler === 'dpm_adaptive' ? [...states.slice(1), ...states.slice(-1)] : states;
    const compared = samplerRow(sampler, 'k-diffusion 0.1.1, float64');
    expectStates(compared, reported, { expected: tensors.get(`${id}.x`)!, tolerance: TOLERANCE });
    expect(model.calls()).toBe(calls);
  });
});
