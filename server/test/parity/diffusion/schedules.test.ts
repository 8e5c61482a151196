import { describe, expect, it } from 'vitest';
import { scheduleEntries } from '../../../engine/src/diffusion/schedules/index.ts';
import { karras } from '../../../engine/src/diffusion/schedules/karras.ts';
import {
  NoiseLevels,
  scaledLinear,
  STABLE_DIFFUSION,
} from '../../../engine/src/diffusion/schedules/noise-levels.ts';
import type { ScheduleOptions } from '../../../engine/src/diffusion/schedules/schedule.ts';
import { compvisTimesteps } from '../../../engine/src/diffusion/schedules/timesteps.ts';
import { Comparison, golden } from '../report/measure.ts';
import { goldenJson, goldenTensors, hasGoldens } from './goldens.ts';

interface Sigmas {
  model: string;
  schedule: string;
  label: string;
  n: number;
  args?: { rho?: number; sigma_min?: number; sigma_max?: number; beta_alpha?: number; beta_beta?: number };
  sigmas: number[];
}
interface Goldens {
  cases: Sigmas[];
  timestep_lists: { n: number; timesteps: number[] }[];
  sigma_to_t: { sigma: number; t: number; t_quantized: number }[];
  t_to_sigma: { t: number; sigma: number }[];
}

const row = (feature: string, against = 'webui 1.10'): Comparison =>
  new Comparison('Schedules', feature, golden(against));

function expectClose(
  compared: Comparison,
  actual: readonly number[],
  expected: readonly number[],
  relative: number,
): void {
  expect(actual).toHaveLength(expected.length);
  const errors = actual.map((value, i) => {
    const difference = Math.abs(value - expected[i]!);
    return difference === 0 ? 0 : difference / expected[i]!;
  });
  compared.within(Math.max(...errors), relative, 'relative');
}

describe.skipIf(!hasGoldens)('schedules of webui 1.10', () => {
  const { cases, ...conversions } = hasGoldens
    ? goldenJson<Goldens>('schedules/schedules.json')
    : { cases: [], timestep_lists: [], sigma_to_t: [], t_to_sigma: [] };
  const levels = new NoiseLevels(scaledLinear());
  /** Both sides work in float32; torch's square root is not always rounded correctly. */
  const RELATIVE = 1e-6;

  it.each(scheduleEntries)('has the noise levels of $name', ({ name, sigmas }) => {
    const mine = cases.filter(({ model, label, args }) => model === 'sd1' && label === name && !args);
    expect(mine).toHaveLength(6);
    for (const golden of mine) {
      expectClose(row(name), sigmas(golden.n, levels), golden.sigmas, RELATIVE);
    }
  });

  it('has every digit of Karras, so that the noise of a Brownian path is the same too', () => {
    for (const { n, sigmas } of cases.filter(({ schedule, args }) => schedule === 'karras' && !args)) {
      row('Karras').exact(karras(n, levels), sigmas);
    }
  });

  const scheduleOf = (label: string) => scheduleEntries.find(({ name }) => name === label)!.sigmas;

  it('has levels of its own for SDXL', () => {
    const sdxl = cases.filter(({ model }) => model === 'sdxl');
    expect(new Set(sdxl.map(({ label }) => label)).size).toBe(4);
    for (const { label, n, sigmas } of sdxl) {
      const made = scheduleOf(label)(n, levels, { isSdxl: true });
      expectClose(row(`${label}, SDXL`), made, sigmas, RELATIVE);
    }
  });

  it('takes other ends and exponents', () => {
    const withArguments = cases.filter(({ args }) => args);
    expect(withArguments).toHaveLength(7);
    for (const { label, n, args = {}, sigmas } of withArguments) {
      const options: ScheduleOptions = {
        ...(args.sigma_min && { sigmaMin: args.sigma_min }),
        ...(args.sigma_max && { sigmaMax: args.sigma_max }),
        ...(args.rho && { rho: args.rho }),
        ...(args.beta_alpha && { alpha: args.beta_alpha }),
        ...(args.beta_beta && { beta: args.beta_beta }),
      };
      const made = scheduleOf(label)(n, levels, options);
      expectClose(row('With other ends and exponents'), made, sigmas, RELATIVE);
    }
  });

  it('has the timesteps of DDIM and PLMS', () => {
    for (const { n, timesteps } of conversions.timestep_lists) {
      row('Timesteps of DDIM and PLMS').exact(compvisTimesteps(n), timesteps.toReversed());
    }
  });

  it('converts between timesteps and noise levels', () => {
    for (const { sigma, t, t_quantized: whole } of conversions.sigma_to_t) {
      row('Noise level to timestep').within(Math.abs(levels.timestepOf(sigma) - t), 1e-3);
      row('Noise level to timestep').exact(Math.round(levels.timestepOf(sigma)), whole);
    }
    for (const { t, sigma } of conversions.t_to_sigma) {
      expectClose(row('Timestep to noise level'), [levels.sigmaOf(t)], [sigma], RELATIVE);
    }
  });

  it('has both spellings of the noise table', () => {
    const tables = goldenTensors('schedules/tables.safetensors');
    const expected = (name: string) => tables.get(name)!.data;
    const table = row('Noise table');
    table.exact(scaledLinear(), expected('alphas_cumprod_float64_then_float32'));
    row('Noise table', 'diffusers 0.42.1').exact(scaledLinear('float32'), expected('alphas_cumprod_float32'));
    const zero = { ...STABLE_DIFFUSION, isZeroTerminal: true };
    const webui = expected('alphas_cumprod_zero_snr_webui');
    expectClose(row('Noise table, zero terminal SNR'), [...scaledLinear('float64', zero)], [...webui], 1e-5);
    // Diffusers has 0 at the end of the table, and puts a small number there before it divides by it.
    const diffusers = expected('alphas_cumprod_zero_snr_diffusers');
    const zeroTable = row('Noise table, zero terminal SNR', 'diffusers 0.42.1');
    expectClose(
      zeroTable,
      [...scaledLinear('float32', zero)].slice(0, -1),
      [...diffusers].slice(0, -1),
      1e-3,
    );
    expectClose(table, [...levels.sigmas], [...expected('sigmas')], 1e-6);
  });
});
