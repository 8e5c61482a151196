import { describe, expect, it } from 'vitest';
import { STABLE_DIFFUSION } from '../diffusion/schedules/noise-levels.ts';
import type { DrawingRequest } from './generation-types.ts';
import { samplers } from './catalogue.ts';
import { planSampling, spread } from './sampling-plan.ts';
import { resolveSettings } from './settings.ts';

/** How Stable Diffusion 1.5 was trained. */
const trained = { ...STABLE_DIFFUSION, noise: STABLE_DIFFUSION, prediction: 'epsilon' as const };

const plan = (request: Partial<DrawingRequest>, redo: Parameters<typeof planSampling>[2] = null) =>
  planSampling(resolveSettings({ prompt: '', steps: 10, ...request }, { defaults: {} }), trained, redo);

describe('planSampling', () => {
  it('takes other ends and exponents of a schedule', () => {
    const schedule = { sigmaMin: 0.1, sigmaMax: 10, rho: 5 };
    const { sigmas } = plan({ sampler: 'DPM++ 2M', knobs: { schedule } });
    expect([sigmas[0], sigmas.at(-2)].map((sigma) => sigma!.toFixed(4))).toEqual(['10.0000', '0.1000']);
    expect(sigmas).not.toEqual(
      plan({ sampler: 'DPM++ 2M', knobs: { schedule: { ...schedule, rho: 7 } } }).sigmas,
    );
  });

  it('takes the levels that were measured on SDXL for SDXL', () => {
    const request = { prompt: '', scheduler: 'Align Your Steps', steps: 11 };
    const [sd1, sdxl] = (['sd1', 'sdxl'] as const).map(
      (family) => planSampling(resolveSettings(request, { defaults: {}, family }), trained).sigmas[1],
    );
    expect([sd1!.toFixed(3), sdxl!.toFixed(3)]).toEqual(['6.475', '6.315']);
  });

  it('leaves the last but one level out where that is asked for', () => {
    const [plain, skipped] = [false, true].map((skipsNextToLast) => plan({ knobs: { skipsNextToLast } }));
    expect(skipped!.sigmas).toHaveLength(plain!.sigmas.length);
    expect(skipped!.sigmas.at(-2)).toBeGreaterThan(plain!.sigmas.at(-2)!);
  });

  it('begins as strong as models were trained where that is asked for, but not with a picture', () => {
    const knobs = { hasUnitVarianceStart: true };
    const { entry, sigmas } = plan({ knobs });
    expect(entry.noise).toBe(spread(sigmas[0]!));
    const redone = plan({ knobs }, { strength: 0.5 });
    expect(redone.entry.noise).toBe(redone.sigmas[0]);
  });

  it('lets samplers that choose their steps walk from end to end, whatever the schedule', () => {
    const ends = plan({ sampler: 'DPM fast', scheduler: 'Align Your Steps' }).sigmas;
    expect([ends[0]!.toFixed(2), ends.at(-1)!.toFixed(4), ends.length]).toEqual(['14.61', '0.0292', 11]);
    expect(plan({ sampler: 'DPM adaptive', steps: 1 }).sigmas).toHaveLength(2);
  });

  it('asks distilled models at their own timesteps', () => {
    const { sigmas, timestepOf } = plan({ sampler: 'LCM', steps: 4 });
    expect(sigmas.slice(0, -1).map(timestepOf)).toEqual([999, 679, 339, 19]);
    const theirs = plan({ sampler: 'LCM', steps: 4, conventions: 'diffusers' });
    expect(theirs.sigmas.slice(0, -1).map(theirs.timestepOf)).toEqual([999, 759, 499, 259]);
  });

  it.each(samplers)('has levels that fall for $name, in both conventions', ({ name }) => {
    for (const conventions of ['webui', 'diffusers'] as const) {
      for (const steps of [1, 2, 30, 150]) {
        const { sigmas } = plan({ sampler: name, steps, conventions });
        sigmas.slice(1).forEach((sigma, i) => expect(sigma).toBeLessThan(sigmas[i]!));
      }
    }
  });

  it.each([
    [{ sampler: { churn: -1 } }, 'churn'],
    [{ schedule: { rho: 0 } }, 'rho'],
    [{ sampler: { uniPc: { order: 7 } } }, 'order'],
    [{ schedule: { sigmaMin: 3, sigmaMax: 2 } }, 'sigmaMin'],
  ])('refuses %j', (knobs, field) => {
    expect(() => plan({ knobs })).toThrow(field);
  });
});
