import { describe, expect, it } from 'vitest';
import { ColourModel } from './colour-model.ts';
import type { GenerationEvent, GenerationOptions } from './generation-types.ts';
import { imageToImage } from './image-to-image.ts';
import { inpaint } from './inpaint.ts';
import type { RefinerRequest } from './refiner-settings.ts';
import { textToImage, type TextToImageRequest } from './text-to-image.ts';

async function run(
  refiner: Partial<RefinerRequest> | undefined,
  more: Partial<TextToImageRequest> = {},
  options: GenerationOptions = {},
) {
  const [base, second] = [new ColourModel(), new ColourModel()];
  const events: GenerationEvent[] = [];
  const request = { prompt: 'cat', steps: 10, sampler: 'Euler', cfgScale: 1, ...more };
  const refined = refiner && { refiner: { model: second, ...refiner } };
  for await (const event of textToImage(base, { ...request, ...refined }, options)) events.push(event);
  const evaluations = [base, second].map(({ calls }) => calls.filter((call) => call === 'predict').length);
  const image = events.find((event) => event.type === 'image')!;
  return { base, second, events, evaluations, image };
}

describe('a refiner', () => {
  it('takes over where so much of the way is done', async () => {
    // Uniform: timesteps 999, 888, …, 0.
    expect((await run({ switchAt: 0.75 })).evaluations).toEqual([7, 3]);
    expect((await run({ switchAt: 0.75, by: 'steps' })).evaluations).toEqual([8, 2]);
    expect((await run({})).evaluations).toEqual([8, 2]);
    expect((await run({ switchAt: 0 })).evaluations).toEqual([0, 10]);
    expect((await run({ switchAt: 1 })).evaluations).toEqual([10, 0]);
  });

  it('goes by noise, not by steps, where the schedule is uneven', async () => {
    const karras = { scheduler: 'Karras' };
    // Noise levels 0.91 at step 5, 0.45 at step 6: about timesteps 370 and 199.
    expect((await run({ switchAt: 0.75 }, karras)).evaluations).toEqual([6, 4]);
    expect((await run({ switchAt: 0.75, by: 'steps' }, karras)).evaluations).toEqual([8, 2]);
  });

  it('counts both evaluations of a step of second order', async () => {
    const { evaluations } = await run({ switchAt: 0.5, by: 'steps' }, { sampler: 'Heun' });
    expect(evaluations).toEqual([10, 9]);
  });

  it.each(['DDIM', 'UniPC', 'LCM', 'DPM++ 2M', 'Restart', 'DPM++ SDE'])('works with %s', async (sampler) => {
    for (const conventions of ['webui', 'diffusers'] as const) {
      const { evaluations, image } = await run({ switchAt: 0.5 }, { sampler, conventions });
      expect(Math.min(...evaluations)).toBeGreaterThan(0);
      expect(image.latents.data.every(Number.isFinite)).toBe(true);
    }
  });

  it('is loaded when its turn has come, and decodes', async () => {
    const { events, base, second } = await run({});
    const types = events.map(({ type }) => type);
    expect(types.slice(0, 5)).toEqual(['loading', 'loading', 'loading', 'conditioned', 'step']);
    expect(types.lastIndexOf('loading')).toBeGreaterThan(types.indexOf('step'));
    expect(base.calls).not.toContain('decode');
    expect(second.calls.at(-1)).toBe('decode');
    expect(second.calls).toContain('encodeText');
  });

  it('changes nothing if it is the same model', async () => {
    const { image } = await run({ switchAt: 0.4 });
    expect(image.latents.data).toEqual((await run(undefined)).image.latents.data);
  });

  it('is not loaded where its turn does not come', async () => {
    expect((await run({ switchAt: 1 })).second.calls).toEqual([]);
  });

  it('is told how well liked the picture should be', async () => {
    const { second } = await run({}, { cfgScale: 7 });
    expect(second.guides.map(({ size }) => size?.aestheticScore)).toEqual([6, 2.5, 6, 2.5]);
  });

  it.each([
    [undefined, [15, 1]],
    ['second', [15, 1]],
    ['first', [14, 2]],
    ['both', [13, 3]],
  ] as const)('finishes of two passes the %s', async (pass, expected) => {
    const hires = { scale: 1.5, steps: 6, strength: 0.999 };
    const { evaluations } = await run({ ...(pass && { pass }), by: 'steps' }, { hires });
    expect(evaluations).toEqual(expected);
  });

  it('takes part where pictures are made from pictures', async () => {
    const image = { data: new Uint8Array(3 * 64 * 64).fill(90), width: 64, height: 64 };
    const mask = { data: new Uint8Array(64 * 64).fill(255), width: 64, height: 64 };
    for (const pipeline of [imageToImage, inpaint]) {
      const [base, second] = [new ColourModel(), new ColourModel()];
      const request = { prompt: 'x', image, mask, steps: 10, refiner: { model: second }, cfgScale: 1 };
      for await (const { type } of pipeline(base, request)) void type;
      expect(second.calls).toContain('predict');
    }
  });

  it.each([
    [{ switchAt: 1.5 }, 'Expected refiner.switchAt to be a number from 0 to 1 but received 1.5.'],
    [{ by: 'x' as never }, 'Expected refiner.by to be noise or steps but received x.'],
    [{ pass: 'x' as never }, 'Expected refiner.pass to be first, second, both but received x.'],
    [
      { model: Object.assign(new ColourModel(), { latentScale: 2 }) },
      'The refiner has other latents than the checkpoint.',
    ],
    [
      { model: Object.assign(new ColourModel(), { task: 'depth' as const }) },
      'This checkpoint cannot refine: it needs more than text and latents.',
    ],
  ])('is refused: %#', async (refiner, message) => {
    await expect(run(refiner)).rejects.toMatchObject({ code: 'invalid-request', message });
  });
});
