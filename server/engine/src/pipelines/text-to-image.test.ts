import { describe, expect, it } from 'vitest';
import type { Latents } from '../diffusion/latents.ts';
import { samplers } from './catalogue.ts';
import { ColourModel } from './colour-model.ts';
import type { GenerationEvent, GenerationOptions } from './generation-types.ts';
import { textToImage, type TextToImageRequest } from './text-to-image.ts';

async function run(
  request: Partial<TextToImageRequest> = {},
  options: GenerationOptions = {},
  model = new ColourModel(),
) {
  const events: GenerationEvent[] = [];
  for await (const event of textToImage(model, { prompt: 'a red apple', ...request }, options))
    events.push(event);
  return { events, model };
}

const imageOf = (events: GenerationEvent[]) => events.find((event) => event.type === 'image')!;

/** Samplers whose steps are fewer or more than those of the schedule. */
const CHOOSES_STEPS = /^DPM (fast|adaptive)$/;

describe('textToImage', () => {
  it('tells what it does in order', async () => {
    const { events } = await run();
    expect(events.map(({ type }) => type)).toEqual([
      'loading',
      'loading',
      'loading',
      'conditioned',
      'step',
      'step',
      'step',
      'step',
      'decoding',
      'image',
    ]);
    const steps = events.filter((event) => event.type === 'step');
    expect(steps.map(({ step, steps: total }) => [step, total])).toEqual([
      [1, 4],
      [2, 4],
      [3, 4],
      [4, 4],
    ]);
  });

  it('draws in the size asked for, else in the model’s own', async () => {
    const { image: own } = imageOf((await run()).events);
    expect([own.width, own.height, own.data.length]).toEqual([64, 128, 3 * 64 * 128]);
    const { image, latents } = imageOf((await run({ width: 72, height: 80 })).events);
    expect([image.width, image.height]).toEqual([72, 80]);
    expect(latents.dims).toEqual([1, 4, 10, 9]);
  });

  it('draws the same for the same seed and something else for another', async () => {
    const latents = async (seed: number) => imageOf((await run({ seed })).events).latents.data;
    expect(await latents(5)).toEqual(await latents(5));
    expect(await latents(5)).not.toEqual(await latents(6));
  });

  it.each(samplers)('draws with $name', async ({ name }) => {
    const { events } = await run({ sampler: name, steps: 6 });
    expect(imageOf(events).latents.data.every(Number.isFinite)).toBe(true);
    const steps = events.filter((event) => event.type === 'step');
    const all = steps[0]!.steps;
    expect(all).toBeGreaterThanOrEqual(5);
    expect(steps.at(-1)).toMatchObject({ step: all, steps: all });
    if (!CHOOSES_STEPS.test(name)) expect(steps).toHaveLength(all);
  });

  it.each(samplers)('draws with $name in a single step', async ({ name }) => {
    const { events, model } = await run({ sampler: name, steps: 1 });
    expect(model.calls).toContain('predict');
    const steps = events.filter((event) => event.type === 'step');
    expect(steps.every((event) => event.step === 1 && event.steps === 1)).toBe(true);
    if (!CHOOSES_STEPS.test(name)) expect(steps).toHaveLength(1);
  });

  it('divides the guidance scale of DDIM CFG++, and asks for the negative prompt at any', async () => {
    const scaled = await run({ sampler: 'DDIM CFG++', cfgScale: 12.5 });
    expect(scaled.model.calls.filter((call) => call === 'predict').length % 2).toBe(0);
    const unscaled = await run({ sampler: 'DDIM', cfgScale: 1 });
    const drawn = ({ events }: typeof scaled) => imageOf(events).latents.data;
    expect(drawn(scaled)).not.toEqual(drawn(unscaled));
  });

  it('evaluates the network twice a step, once where guidance is off', async () => {
    const evaluations = async (cfgScale: number) =>
      (await run({ cfgScale })).model.calls.filter((call) => call === 'predict').length;
    expect(await evaluations(7)).toBe(8);
    expect(await evaluations(1)).toBe(4);
  });

  it('takes prompts of several chunks, and another number of them in the negative prompt', async () => {
    const { events, model } = await run({ prompt: 'word '.repeat(200) });
    expect(model.calls.filter((call) => call === 'encodeText')).toHaveLength(3 + 1);
    expect(imageOf(events)).toBeDefined();
  });

  it('refuses what it cannot draw before anything is loaded', async () => {
    const model = new ColourModel();
    await expect(run({ width: 7 }, {}, model)).rejects.toMatchObject({ code: 'invalid-request' });
    expect(model.calls).toEqual([]);
  });

  it('says so when the model’s numbers overflow', async () => {
    class Broken extends ColourModel {
      override async predict(x: Latents): Promise<Latents> {
        return { data: x.data.map(() => NaN), dims: x.dims };
      }
    }
    await expect(run({}, {}, new Broken())).rejects.toMatchObject({
      code: 'non-finite',
      message: "The model's prediction in step 1 of 4 holds values that are not numbers.",
    });
  });

  it('passes on why a network could not be loaded', async () => {
    class Unloadable extends ColourModel {
      override async load(): Promise<void> {
        throw new Error('the file is gone');
      }
    }
    await expect(run({}, {}, new Unloadable())).rejects.toThrow('the file is gone');
  });
});

describe('a second pass', () => {
  it('grows the picture and counts its steps with the first ones', async () => {
    const { events } = await run({ hires: { scale: 1.5, steps: 3, strength: 0.5 } });
    const { image } = imageOf(events);
    expect([image.width, image.height]).toEqual([96, 192]);
    const steps = events.filter((event) => event.type === 'step').map(({ step, steps: all }) => [step, all]);
    expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7].map((step) => [step, 7]));
  });

  it.each(samplers)('is drawn with $name', async ({ name }) => {
    const { events } = await run({ sampler: name, steps: 6, hires: { width: 72, height: 136 } });
    expect(imageOf(events).latents.dims).toEqual([1, 4, 17, 9]);
    expect(imageOf(events).latents.data.every(Number.isFinite)).toBe(true);
    const steps = events.filter((event) => event.type === 'step');
    const all = steps[0]!.steps;
    expect(steps.at(-1)).toMatchObject({ step: all, steps: all });
    if (!CHOOSES_STEPS.test(name)) expect(steps).toHaveLength(all);
  });

  it('goes by way of pixels where an upscaler is named', async () => {
    const { events, model } = await run({ hires: { width: 96, height: 192, upscaler: 'lanczos' } });
    expect(imageOf(events).latents.dims).toEqual([1, 4, 24, 12]);
    expect(model.calls.filter((call) => call !== 'predict' && call !== 'encodeText')).toEqual([
      'decode',
      'encodeImage',
      'decode',
    ]);
  });

  it.each([
    [{ width: 7, height: 64 }, 'Expected width to be a multiple of 8 from 64 to 4096 but received 7.'],
    [{ scale: 9 }, 'Expected hiresScale to be a number from 1 to 8 but received 9.'],
    [{ resize: 'cubic' as never }, 'There is no way to resize latents named "cubic".'],
    [{ strength: 0 }, /would take Infinity steps/],
  ])('is refused where it cannot be: %o', async (hires, message) => {
    const model = new ColourModel();
    await expect(run({ hires }, {}, model)).rejects.toThrow(message);
    expect(model.calls).toEqual([]);
  });
});

describe('what SDXL is told', () => {
  it('is the size that is drawn, and how well liked the picture should be', async () => {
    const { model } = await run();
    const sides = [128, 64];
    const size = { original: sides, crop: [0, 0], target: sides };
    expect(model.guides[0]!.size).toEqual({ ...size, aestheticScore: 6 });
    expect(model.guides[1]!.size).toEqual({ ...size, aestheticScore: 2.5 });
  });

  it('may be another size', async () => {
    const size = { original: [1024, 512], crop: [4, 8], target: [1000, 500] } as const;
    const { model } = await run({ size });
    expect(model.guides[0]!.size).toEqual({ ...size, aestheticScore: 6 });
    const none = { ...size, crop: [4, NaN] as const };
    await expect(run({ size: none })).rejects.toThrow(
      'Expected size.crop to be two numbers but received 4,NaN.',
    );
  });
});

describe('prompts joined by AND', () => {
  it('are evaluated one by one, and the negative prompt once', async () => {
    const { model } = await run({ prompt: 'a cat AND a dog :0.5 AND a bird :0' });
    expect(model.calls.filter((call) => call === 'predict')).toHaveLength(4 * 3);
  });
});

describe('checkpoints that need a picture', () => {
  it.each(['depth', 'instruct'] as const)('are refused: %s', async (task) => {
    const model = Object.assign(new ColourModel(), { task });
    await expect(run({}, {}, model)).rejects.toMatchObject({ code: 'invalid-request' });
    expect(model.calls).toEqual([]);
  });
});

describe('stopping textToImage', () => {
  it('takes effect before the next evaluation of the network', async () => {
    const model = new ColourModel();
    const stop = new AbortController();
    model.onPredict = (count) => count === 3 && stop.abort(new Error('enough'));
    await expect(run({}, { signal: stop.signal }, model)).rejects.toThrow('enough');
    expect(model.calls.filter((call) => call === 'predict')).toHaveLength(3);
    expect(model.calls).not.toContain('decode');
  });

  it('keeps it from starting', async () => {
    const model = new ColourModel();
    await expect(run({}, { signal: AbortSignal.abort() }, model)).rejects.toThrow(/aborted/);
    expect(model.calls).toEqual([]);
  });

  it('needs no signal: whoever stops listening stops the work', async () => {
    const model = new ColourModel();
    for await (const { type } of textToImage(model, { prompt: 'x', cfgScale: 1 })) if (type === 'step') break;
    expect(model.calls.filter((call) => call === 'predict')).toHaveLength(1);
  });
});

describe('previews', () => {
  it('show the expected picture, a pixel for each latent one', async () => {
    const { events } = await run();
    const step = events.find((event) => event.type === 'step')!;
    const { width, height, data } = await step.preview();
    expect([width, height, data.length]).toEqual([8, 16, 3 * 8 * 16]);
  });

  it('decodes by another decoder in place of the VAE if one is given', async () => {
    const decoder = { decode: async () => ({ data: new Float32Array(3 * 64).fill(1), width: 8, height: 8 }) };
    const { events } = await run({}, { decoder });
    const last = events.at(-1);
    expect(last).toMatchObject({ type: 'image', image: { width: 8, height: 8 } });
    expect(last?.type === 'image' && last.image.data.every((value) => value === 255)).toBe(true);
  });

  it('come from the small decoder where there is one', async () => {
    const taesd = { decode: async () => ({ data: new Float32Array(3 * 64).fill(1), width: 8, height: 8 }) };
    const { events } = await run({}, { taesd });
    const step = events.find((event) => event.type === 'step')!;
    expect(await step.preview()).toEqual({ data: new Uint8Array(3 * 64).fill(255), width: 8, height: 8 });
  });
});
