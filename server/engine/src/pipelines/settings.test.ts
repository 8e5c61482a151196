import { describe, expect, it } from 'vitest';
import { EngineError } from '../errors.ts';
import { samplers, schedules } from './catalogue.ts';
import { resolveSettings } from './settings.ts';
import type { TextToImageRequest } from './text-to-image.ts';

const resolve = (request: Partial<TextToImageRequest>, defaults = {}) =>
  resolveSettings({ prompt: 'x', ...request }, { defaults });

describe('resolveSettings', () => {
  it('takes what is missing from the model, then from the field', () => {
    const settings = resolve({ steps: 5 }, { steps: 30, width: 128, sampler: 'DDIM' });
    expect(settings).toMatchObject({ steps: 5, width: 128, height: 512, cfgScale: 7, noise: { seed: 0 } });
    expect(settings.sampler.name).toBe('DDIM');
  });

  it('does not let undefined hide a default', () => {
    const request: object = { prompt: 'x', width: undefined };
    expect(resolveSettings(request as TextToImageRequest, { defaults: { width: 256 } }).width).toBe(256);
  });

  it.each(samplers.flatMap(({ name, aliases }) => [name, ...aliases]))('knows the sampler %s', (name) => {
    const { sampler } = resolve({ sampler: ` ${name.toUpperCase()}` });
    expect([sampler.name, ...sampler.aliases]).toContain(name);
  });

  it.each(schedules)('knows the schedule $name', ({ name }) => {
    const { schedule } = resolve({ scheduler: name.toLowerCase() });
    expect(schedule?.name ?? 'Automatic').toBe(name);
  });

  it.each(samplers)('knows the schedule that $name asks for', ({ defaultScheduler }) => {
    expect(schedules.map(({ name }) => name)).toContain(defaultScheduler);
  });

  it.each([
    [{ width: 7 }, 'Expected width to be a multiple of 8 from 64 to 4096 but received 7.'],
    [{ height: 100_000 }, 'Expected height to be a multiple of 8 from 64 to 4096 but received 100000.'],
    [{ steps: 0 }, 'Expected steps to be a whole number from 1 to 500 but received 0.'],
    [{ steps: 2.5 }, 'Expected steps to be a whole number from 1 to 500 but received 2.5.'],
    [{ cfgScale: NaN }, 'Expected cfgScale to be a number from 0 to 100 but received NaN.'],
    [{ seed: -1 }, 'Expected seed to be a whole number from 0 to 4294967295 but received -1.'],
    [{ clipSkip: 0 }, 'Expected clipSkip to be a whole number from 1 to 12 but received 0.'],
    [{ eta: 2 }, 'Expected eta to be a number from 0 to 1 but received 2.'],
    [{ sampler: 'Eule' }, 'There is no sampler named "Eule".'],
    [{ scheduler: 'x' }, 'There is no scheduler named "x".'],
  ])('refuses %o', (request, message) => {
    expect(() => resolve(request)).toThrow(expect.objectContaining({ code: 'invalid-request', message }));
  });

  it('takes scales of guidance below 1 as none under the conventions of diffusers, which does', () => {
    const scales = [0, 0.5, 1, 7].map((cfgScale) => resolve({ cfgScale, conventions: 'diffusers' }).cfgScale);
    expect(scales).toEqual([1, 1, 1, 7]);
    expect(resolve({ cfgScale: 0.5 }).cfgScale).toBe(0.5);
  });

  it('names the choices where a name is unknown', () => {
    try {
      resolve({ sampler: 'Eule' });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(EngineError);
      expect((error as EngineError).hint).toContain('Euler a, Euler, ');
    }
  });
});
