import { describe, expect, it } from 'vitest';
import type { Denoiser, Prediction, Predictor } from '../../../engine/src/diffusion/denoiser.ts';
import { denoiser } from '../../../engine/src/diffusion/denoiser.ts';
import type { Latents } from '../../../engine/src/diffusion/latents.ts';
import { scaled, weightedSum } from '../../../engine/src/diffusion/latents.ts';
import { TorchCpuGenerator } from '../../../engine/src/diffusion/random/torch-cpu.ts';
import type { Sampler, StepNoise } from '../../../engine/src/diffusion/sampler.ts';
import { ddim } from '../../../engine/src/diffusion/samplers/ddim.ts';
import { ddpm } from '../../../engine/src/diffusion/samplers/ddpm.ts';
import { dpm2Ancestral } from '../../../engine/src/diffusion/samplers/dpm-2-ancestral.ts';
import { dpm2 } from '../../../engine/src/diffusion/samplers/dpm-2.ts';
import { dpmpp2mSde } from '../../../engine/src/diffusion/samplers/dpmpp-2m-sde.ts';
import { dpmpp2m } from '../../../engine/src/diffusion/samplers/dpmpp-2m.ts';
import { dpmpp2sAncestral } from '../../../engine/src/diffusion/samplers/dpmpp-2s-ancestral.ts';
import { dpmpp3mSde } from '../../../engine/src/diffusion/samplers/dpmpp-3m-sde.ts';
import { dpmppSde } from '../../../engine/src/diffusion/samplers/dpmpp-sde.ts';
import { eulerAncestral } from '../../../engine/src/diffusion/samplers/euler-ancestral.ts';
import { euler } from '../../../engine/src/diffusion/samplers/euler.ts';
import { heun } from '../../../engine/src/diffusion/samplers/heun.ts';
import { lms } from '../../../engine/src/diffusion/samplers/lms.ts';
import { plms } from '../../../engine/src/diffusion/samplers/plms.ts';
import { restart } from '../../../engine/src/diffusion/samplers/restart.ts';
import { uniPc } from '../../../engine/src/diffusion/samplers/unipc.ts';
import { NoiseLevels, scaledLinear } from '../../../engine/src/diffusion/schedules/noise-levels.ts';
import { leadingTimesteps, uniPcLevels } from '../../../engine/src/diffusion/schedules/timesteps.ts';
import { Comparison, golden } from '../report/measure.ts';
import type { GoldenTensor } from './goldens.ts';
import { goldenJson, goldenTensors, hasGoldens, maxDifference } from './goldens.ts';
import type { Mixture } from './mixture.ts';
import { mixtureDenoiser } from './mixture.ts';

const dims = [1, 4, 8, 8] as const;
const SIZE = 256;

const mixture = (): Denoiser => mixtureDenoiser(goldenJson<Mixture>('samplers/mixture.json'));

/** Row `index` of a stack of latents. */
function row(stack: GoldenTensor, index: number): Latents {
  return { data: stack.data.subarray(index * SIZE, (index + 1) * SIZE), dims };
}

function without({ data, shape }: GoldenTensor, index: number): GoldenTensor {
  const kept = [...data.subarray(0, index * SIZE), ...data.subarray((index + 1) * SIZE)];
  return { data: Float32Array.from(kept), shape: [shape[0]! - 1, ...shape.slice(1)] };
}

/** Where every stored run starts. */
function start(scale: number): Latents {
  return scaled({ data: new TorchCpuGenerator(1234).normals(SIZE), dims }, scale);
}

/** Hands out stored noise, in call order. */
function stored(stack: GoldenTensor | undefined): StepNoise {
  let next = 0;
  return () => {
    if (!stack || next >= stack.shape[0]!) throw new Error('the sampler draws more noise than its reference');
    return row(stack, next++);
  };
}

/** Everything a sampler goes through: the latents at the start of each step, then the result. */
async function trajectory(
  sampler: Sampler,
  denoise: Denoiser,
  x: Latents,
  sigmas: number[],
  noise: StepNoise,
) {
  const states: Latents[] = [];
  const walk = sampler(denoise, x, sigmas, noise);
  for (;;) {
    const { done, value } = await walk.next();
    if (done) return [...states, value];
    states.push(value.x);
  }
}

function counted(denoise: Denoiser): { denoise: Denoiser; calls: () => number } {
  let calls = 0;
  return { denoise: (x, sigma) => (calls++, denoise(x, sigma)), calls: () => calls };
}

const K_DIFFUSION = golden('k-diffusion 0.1.1, float64');
const WEBUI = golden('webui 1.10');
const DIFFUSERS = golden('diffusers 0.42.1');

function expectStates(
  compared: Comparison,
  states: Latents[],
  expected: GoldenTensor,
  tolerance: number,
  scales: number[] = [],
) {
  expect(states).toHaveLength(expected.shape[0]!);
  states.forEach((state, index) => {
    const { data } = row(expected, index);
    const largest = data.reduce((max, value) => Math.max(max, Math.abs(value)), 1);
    const actual = scaled(state, scales[index] ?? 1).data;
    compared.within(maxDifference(actual, data) / largest, tolerance, 'largest', `state ${index}`);
  });
}

interface Case {
  id: string;
  model_calls: number;
}

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

  const { cases } = hasGoldens
    ? goldenJson<{ cases: (Case & { sampler: string; args: Arguments })[] }>('samplers/kdiffusion.json')
    : { cases: [] };
  const tensors = hasGoldens
    ? goldenTensors('samplers/kdiffusion.safetensors')
    : new Map<string, GoldenTensor>();
  const mine = cases.filter(({ sampler }) => sampler in samplers);

  it.each(mine)('follows $id', async ({ id, sampler, args, model_calls: calls }) => {
    const expected = tensors.get(`${id}.x`)!;
    const sigmas = [...tensors.get(`${id}.sigmas`)!.data];
    const model = counted(mixture());
    const noise = stored(tensors.get(`${id}.noise`));
    const x = start(sigmas[0]!);
    const states = await trajectory(samplers[sampler]!(args), model.denoise, x, sigmas, noise);
    expectStates(new Comparison('Samplers', sampler, K_DIFFUSION), states, expected, TOLERANCE);
    expect(model.calls()).toBe(calls);
  });

  it('covers all but the samplers that are not here yet', () => {
    expect(mine).toHaveLength(92);
  });
});

/** What a network would predict that knows the mixture. */
function network(prediction: Prediction, levels: NoiseLevels): Predictor {
  return async (z, timestep) => {
    const clean = mixture();
    const sigma = levels.sigmaOf(timestep);
    const alpha = 1 / (1 + sigma ** 2);
    const denoised = await clean(scaled(z, 1 / Math.sqrt(alpha)), sigma);
    const noise = weightedSum([1 / Math.sqrt(1 - alpha), z], [-1 / sigma, denoised]);
    if (prediction === 'epsilon') return noise;
    return weightedSum([Math.sqrt(alpha), noise], [-Math.sqrt(1 - alpha), denoised]);
  };
}

/**
 * The reference works on latents of unit variance, ours keep their scale: they differ by √ᾱ = 1/√(1 + σ²).
 */
const shrink = (sigma: number) => 1 / Math.sqrt(1 + sigma ** 2);

describe.skipIf(!hasGoldens)('timestep samplers of webui 1.10', () => {
  const samplers: Record<string, Sampler> = { ddim: ddim(), ddim_eta1: ddim({ eta: 1 }), plms };
  const levels = new NoiseLevels(scaledLinear());
  const { cases } = hasGoldens
    ? goldenJson<{ cases: (Case & { sampler: string; n: number })[] }>('samplers/webui.json')
    : { cases: [] };
  const tensors = hasGoldens ? goldenTensors('samplers/webui.safetensors') : new Map<string, GoldenTensor>();
  const mine = cases.filter(({ sampler }) => sampler in samplers);

  it.each(mine)('follows $id', async ({ id, sampler, model_calls: calls }) => {
    const expected = tensors.get(`${id}.x`)!;
    const timesteps = [...tensors.get(`${id}.timesteps`)!.data].reverse();
    const sigmas = timesteps.map((t) => levels.sigmaOf(t));
    const model = counted(mixture());
    const x = start(1 / shrink(sigmas[0]!));
    const noise = stored(tensors.get(`${id}.noise`));
    const states = await trajectory(samplers[sampler]!, model.denoise, x, sigmas, noise);
    // The reference reports latents after a step, so the result comes twice.
    const reported = [...states, ...states.slice(-1)];
    const compared = new Comparison('Samplers', sampler, WEBUI);
    expectStates(compared, reported, expected, 2e-5, [...sigmas, sigmas.at(-1)!].map(shrink));
    expect(model.calls()).toBe(calls);
  });
});

describe.skipIf(!hasGoldens)('UniPC and Restart of webui 1.10', () => {
  const levels = new NoiseLevels(scaledLinear());
  const { cases } = hasGoldens
    ? goldenJson<{ cases: (Case & { sampler: string; n: number })[] }>('samplers/webui.json')
    : { cases: [] };
  const tensors = hasGoldens ? goldenTensors('samplers/webui.safetensors') : new Map<string, GoldenTensor>();
  const variants: Record<string, Sampler> = { unipc: uniPc(), unipc_bh2: uniPc({ variant: 'bh2' }) };

  it.each(cases.filter(({ sampler }) => sampler in variants))('follows $id', async (golden) => {
    const { id, sampler, model_calls: calls } = golden;
    const expected = tensors.get(`${id}.x`)!;
    const asked = [...tensors.get(`${id}.model_t`)!.data];
    const timed = uniPcLevels(asked.length, levels, asked[0]);
    expect(
      maxDifference(
        timed.slice(0, -1).map(({ timestep }) => timestep),
        asked,
      ),
    ).toBeLessThan(1e-3);
    const sigmas = timed.map(({ sigma }) => sigma);
    const clock = (sigma: number) => timed[sigmas.indexOf(sigma)]!.timestep;
    const model = counted(denoiser(network('epsilon', levels), 'epsilon', clock));
    const x = start(1 / shrink(sigmas[0]!));
    const states = await trajectory(variants[sampler]!, model.denoise, x, sigmas, stored(undefined));
    const reported = [...states, ...states.slice(-1)];
    const compared = new Comparison('Samplers', sampler, WEBUI);
    expectStates(compared, reported, expected, 2e-5, [...sigmas, sigmas.at(-1)!].map(shrink));
    expect(model.calls()).toBe(calls);
  });

  it.each(cases.filter(({ sampler }) => sampler === 'restart'))('follows $id', async (golden) => {
    const { id, model_calls: calls } = golden;
    const sigmas = [...tensors.get(`${id}.sigmas`)!.data];
    const model = counted(mixture());
    const noise = stored(tensors.get(`${id}.noise`));
    const states = await trajectory(restart, model.denoise, start(sigmas[0]!), sigmas, noise);
    expectStates(new Comparison('Samplers', 'restart', WEBUI), states, tensors.get(`${id}.x`)!, 2e-5);
    expect(model.calls()).toBe(calls);
  });
});

describe.skipIf(!hasGoldens)('schedulers of diffusers 0.42', () => {
  const levels = new NoiseLevels(scaledLinear('float32'));
  /** Levels after the last step where they are not 0: the cleanest timestep. */
  const toCleanest = [levels.sigmaOf(0)];
  const leading = (n: number, end: number[]) => [
    ...leadingTimesteps(n).map((t) => levels.sigmaOf(t)),
    ...end,
  ];
  interface Walk {
    sampler: Sampler;
    /** Levels to walk; by default those stored. */
    sigmas?: (n: number) => number[];
    /** Whether states are of unit variance. */
    unit?: boolean;
    /** Whether the model is asked at whole timesteps. */
    whole?: boolean;
    prediction?: Prediction;
    /** A state in the middle of a step, which our samplers do not show. */
    hidden?: number;
  }
  const ddimLevels = { sigmas: (n: number) => leading(n, toCleanest), unit: true };
  const walks: Record<string, Walk> = {
    DDIM: { sampler: ddim(), ...ddimLevels },
    DDIM_eta1: { sampler: ddim({ eta: 1 }), ...ddimLevels },
    DDIM_v: { sampler: ddim(), ...ddimLevels, prediction: 'v' },
    DDPM: { sampler: ddpm, sigmas: (n) => leading(n, [0]), unit: true },
    PNDM: { sampler: plms, ...ddimLevels, hidden: 1 },
    Euler: { sampler: euler() },
    Euler_leading: { sampler: euler() },
    Euler_trailing: { sampler: euler() },
    Euler_karras: { sampler: euler() },
    Euler_v: { sampler: euler(), prediction: 'v' },
    EulerAncestral: { sampler: eulerAncestral() },
    EulerAncestral_leading: { sampler: eulerAncestral() },
    LMS: { sampler: lms() },
    DPMpp2M: { sampler: dpmpp2m, unit: true, whole: true },
    DPMpp2M_karras: { sampler: dpmpp2m, unit: true, whole: true },
    DPMpp2M_leading_karras: { sampler: dpmpp2m, unit: true, whole: true },
    DPMpp2M_v: { sampler: dpmpp2m, unit: true, whole: true, prediction: 'v' },
    DPMpp2M_sde: { sampler: dpmpp2mSde(), unit: true, whole: true },
    DPMpp2M_sde_karras: { sampler: dpmpp2mSde(), unit: true, whole: true },
  };
  const { cases } = hasGoldens
    ? goldenJson<{ cases: (Case & { n: number; init_noise_sigma: number })[] }>('samplers/diffusers.json')
    : { cases: [] };
  const tensors = hasGoldens
    ? goldenTensors('samplers/diffusers.safetensors')
    : new Map<string, GoldenTensor>();
  const walkOf = (id: string) => walks[id.split('.')[0]!];
  const mine = cases.filter(({ id }) => walkOf(id));

  it.each(mine)('follows $id', async ({ id, n, init_noise_sigma: first }) => {
    const { sampler, sigmas: make, unit, whole, hidden, prediction = 'epsilon' } = walkOf(id)!;
    const sigmas = make ? make(n) : [...tensors.get(`${id}.sigmas`)!.data];
    const noise = stored(tensors.get(`${id}.noise`));
    const x = start(unit ? 1 / shrink(sigmas[0]!) : first);
    const clock = (sigma: number) =>
      whole ? Math.round(levels.timestepOf(sigma)) : levels.timestepOf(sigma);
    const denoise = denoiser(network(prediction, levels), prediction, clock);
    const states = await trajectory(sampler, denoise, x, sigmas, noise);
    const scales = unit ? sigmas.map(shrink) : [];
    const expected = tensors.get(`${id}.x`)!;
    const compared = new Comparison('Samplers', id.split('.')[0]!, DIFFUSERS);
    expectStates(compared, states, hidden ? without(expected, hidden) : expected, 1e-4, scales);
  });

  it('covers three lengths of each', () => {
    expect(mine).toHaveLength(3 * Object.keys(walks).length);
  });
});
