import { describe, expect, it } from 'vitest';
import { consistent } from '../../../engine/src/diffusion/consistency.ts';
import type { Denoiser, Prediction } from '../../../engine/src/diffusion/denoiser.ts';
import { denoiser } from '../../../engine/src/diffusion/denoiser.ts';
import type { Sampler } from '../../../engine/src/diffusion/sampler.ts';
import { ddim } from '../../../engine/src/diffusion/samplers/ddim.ts';
import { ddpm } from '../../../engine/src/diffusion/samplers/ddpm.ts';
import { dpm2Ancestral } from '../../../engine/src/diffusion/samplers/dpm-2-ancestral.ts';
import { dpm2 } from '../../../engine/src/diffusion/samplers/dpm-2.ts';
import { dpmpp2mSde } from '../../../engine/src/diffusion/samplers/dpmpp-2m-sde.ts';
import { dpmpp2m } from '../../../engine/src/diffusion/samplers/dpmpp-2m.ts';
import { eulerAncestral } from '../../../engine/src/diffusion/samplers/euler-ancestral.ts';
import { euler } from '../../../engine/src/diffusion/samplers/euler.ts';
import { heun } from '../../../engine/src/diffusion/samplers/heun.ts';
import { lcm } from '../../../engine/src/diffusion/samplers/lcm.ts';
import { lms } from '../../../engine/src/diffusion/samplers/lms.ts';
import { plms } from '../../../engine/src/diffusion/samplers/plms.ts';
import { tcd } from '../../../engine/src/diffusion/samplers/tcd.ts';
import { uniPc } from '../../../engine/src/diffusion/samplers/unipc.ts';
import {
  NoiseLevels,
  scaledLinear,
  STABLE_DIFFUSION,
} from '../../../engine/src/diffusion/schedules/noise-levels.ts';
import {
  distilledTimesteps,
  leadingTimesteps,
  trailingTimesteps,
} from '../../../engine/src/diffusion/schedules/timesteps.ts';
import { hasGoldens } from './goldens.ts';
import type { Case } from './trajectory.ts';
import {
  expectStates,
  network,
  picked,
  samplerRow,
  shrink,
  start,
  stored,
  storedRuns,
  trajectory,
} from './trajectory.ts';

interface Walk {
  sampler: Sampler;
  /** Timesteps to walk, and where their levels end; by default the levels are those stored. */
  timesteps?: (n: number) => number[];
  end?: number;
  /** Whether states are of unit variance. */
  unit?: boolean;
  /** Whether the model is asked at whole timesteps. */
  whole?: boolean;
  prediction?: Prediction;
  levels?: NoiseLevels;
  around?: (denoise: Denoiser) => Denoiser;
  /** Which of `count` stored states begin a step of ours, and the result; by default all. */
  shown?: (count: number) => number[];
  /** Lengths that are another walk there. */
  except?: number;
}

/** Every other state is one in the middle of a step, which our samplers do not show. */
const everyOther = (count: number) =>
  Array.from({ length: count }, (_, i) => i).filter((i) => i % 2 === 0 || i === count - 1);

describe.skipIf(!hasGoldens)('schedulers of diffusers 0.42', () => {
  const levels = new NoiseLevels(scaledLinear('float32'));
  const zeroTerminal = new NoiseLevels(
    scaledLinear('float32', { ...STABLE_DIFFUSION, isZeroTerminal: true }),
  );
  const cleanest = levels.sigmaOf(0);
  const own = { timesteps: leadingTimesteps, end: cleanest, unit: true };
  const whole = { unit: true, whole: true };
  // Where 1000 is no multiple of the steps it walks to one timestep and goes on from another.
  const trailing = { timesteps: trailingTimesteps, end: cleanest, unit: true, except: 7 };
  const distilled = { timesteps: distilledTimesteps, ...whole };
  const walks: Record<string, Walk> = {
    DDIM: { sampler: ddim(), ...own },
    DDIM_eta1: { sampler: ddim({ eta: 1 }), ...own },
    DDIM_v: { sampler: ddim(), ...own, prediction: 'v' },
    DDIM_trailing: { sampler: ddim(), ...trailing },
    DDIM_zsnr_v: { sampler: ddim(), ...trailing, prediction: 'v', levels: zeroTerminal },
    DDPM: { sampler: ddpm(), ...own, end: 0 },
    DDPM_large: { sampler: ddpm('forward'), ...own, end: 0 },
    PNDM: {
      sampler: plms(),
      ...own,
      shown: (count) => [0, ...Array.from({ length: count - 2 }, (_, i) => i + 2)],
    },
    UniPC: { sampler: uniPc({ order: 2, variant: 'bh2' }), ...whole },
    UniPC_o3: { sampler: uniPc({ order: 3, variant: 'bh2' }), ...whole },
    UniPC_o2_bh1_sigmamin: { sampler: uniPc({ order: 2, variant: 'bh1' }), ...whole },
    UniPC_karras: { sampler: uniPc({ order: 2, variant: 'bh2' }), ...whole },
    Euler: { sampler: euler() },
    Euler_leading: { sampler: euler() },
    Euler_trailing: { sampler: euler() },
    Euler_karras: { sampler: euler() },
    Euler_exponential: { sampler: euler() },
    Euler_beta: { sampler: euler() },
    Euler_v: { sampler: euler(), prediction: 'v' },
    EulerAncestral: { sampler: eulerAncestral() },
    EulerAncestral_leading: { sampler: eulerAncestral() },
    Heun: { sampler: heun(), shown: everyOther },
    KDPM2: { sampler: dpm2(), shown: everyOther },
    KDPM2Ancestral: { sampler: dpm2Ancestral(), shown: everyOther },
    LMS: { sampler: lms() },
    DPMpp2M: { sampler: dpmpp2m, ...whole },
    DPMpp2M_karras: { sampler: dpmpp2m, ...whole },
    DPMpp2M_leading_karras: { sampler: dpmpp2m, ...whole },
    DPMpp2M_eulerfinal_lu: { sampler: dpmpp2m, ...whole },
    DPMpp2M_v: { sampler: dpmpp2m, ...whole, prediction: 'v' },
    DPMpp2M_sde: { sampler: dpmpp2mSde(), ...whole },
    DPMpp2M_sde_karras: { sampler: dpmpp2mSde(), ...whole },
    LCM: {
      sampler: lcm,
      ...distilled,
      around: (denoise) => consistent(denoise, (sigma) => Math.round(levels.timestepOf(sigma))),
    },
    TCD: { sampler: tcd(levels), ...distilled, end: cleanest },
  };
  /** Methods that are not here: Runge–Kutta steps, and solvers of DPM-Solver's and DEIS' own kind. */
  const others = ['PNDM_prk', 'DEIS', 'DEIS_o3', 'DPMpp3M', 'DPMSingle'];
  type Golden = Case & { n: number; init_noise_sigma: number };
  const { cases, tensors } = storedRuns<Golden>('diffusers');
  const nameOf = ({ id }: Case) => id.split('.')[0]!;
  const mine = cases.filter((golden) => walks[nameOf(golden)] && walks[nameOf(golden)]!.except !== golden.n);

  it.each(mine)('follows $id', async (golden) => {
    const { id, n, init_noise_sigma: first } = golden;
    const walk = walks[nameOf(golden)]!;
    const { sampler, timesteps, end = 0, unit, prediction = 'epsilon', around = (same) => same } = walk;
    const own = walk.levels ?? levels;
    const sigmas = timesteps
      ? [...timesteps(n).map((t) => own.sigmaOf(t)), end]
      : [...new Set(tensors.get(`${id}.sigmas`)!.data)];
    const noise = stored(tensors.get(`${id}.noise`));
    const x = start(unit ? 1 / shrink(sigmas[0]!) : first);
    const clock = (sigma: number) => (walk.whole ? Math.round(own.timestepOf(sigma)) : own.timestepOf(sigma));
    const denoise = around(denoiser(network(prediction, own), prediction, clock));
    const states = await trajectory(sampler, denoise, x, sigmas, { noise, seen: 'given' });
    const expected = tensors.get(`${id}.x`)!;
    const shown = walk.shown ? picked(expected, walk.shown(expected.shape[0]!)) : expected;
    const scales = unit ? sigmas.map(shrink) : [];
    const compared = samplerRow(nameOf(golden), 'diffusers 0.42.1');
    expectStates(compared, states, { expected: shown, tolerance: 1e-4, scales });
  });

  it('covers all but some that are no samplers of ours', () => {
    const left = cases.filter((golden) => !mine.includes(golden)).map(({ id }) => id);
    const expected = cases.filter((golden) => others.includes(nameOf(golden))).map(({ id }) => id);
    expect(left.toSorted()).toEqual([...expected, 'DDIM_trailing.7', 'DDIM_zsnr_v.7'].toSorted());
  });
});
