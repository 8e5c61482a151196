import { describe, expect, it } from 'vitest';
import { ColourModel } from './colour-model.ts';
import type { GenerationEvent, GenerationOptions } from './generation-types.ts';
import { imageToImage, type ImageToImageRequest } from './image-to-image.ts';

/** An even picture. */
const picture = (width: number, height: number, brightness = 128) => ({
  data: new Uint8Array(3 * width * height).fill(brightness),
  width,
  height,
});

async function run(
  request: Partial<ImageToImageRequest> = {},
  options: GenerationOptions = {},
  model = new ColourModel(),
) {
  const events: GenerationEvent[] = [];
  const whole = { prompt: 'a red apple', image: picture(64, 72), steps: 10, ...request };
  for await (const event of imageToImage(model, whole, options)) events.push(event);
  const steps = events.filter((event) => event.type === 'step');
  return { events, model, steps, result: events.find((event) => event.type === 'image')! };
}

class DepthModel extends ColourModel {
  override readonly task = 'depth';
}
class InstructModel extends ColourModel {
  override readonly task = 'instruct';
}
class InpaintModel extends ColourModel {
  override readonly task = 'inpaint';
}

describe('imageToImage', () => {
  it('tells what it does in order', async () => {
    const { events, steps } = await run({ strength: 0.3 });
    const others = events.filter(({ type }) => type !== 'step').map(({ type }) => type);
    expect(others).toEqual(['loading', 'loading', 'loading', 'conditioned', 'decoding', 'image']);
    expect(steps.map(({ step, steps: all }) => [step, all])).toEqual([
      [1, 4],
      [2, 4],
      [3, 4],
      [4, 4],
    ]);
  });

  it.each([
    ['webui', { strength: 0.55 }, 6],
    ['webui', { strength: 1 }, 10],
    ['webui', { strength: 0 }, 1],
    ['webui', { strength: 0.55, exactSteps: true }, 10],
    ['diffusers', { strength: 0.55 }, 5],
    ['diffusers', { strength: 1 }, 10],
  ] as const)('does its part of the steps as %s: %o', async (conventions, request, expected) => {
    const { steps } = await run({ ...request, conventions, sampler: 'Euler' });
    expect(steps).toHaveLength(expected);
  });

  it.each(['DDIM', 'PLMS', 'UniPC', 'DPM++ SDE', 'Restart', 'DPM2'])(
    'redoes every part with %s',
    async (sampler) => {
      for (const strength of [0.01, 0.1, 0.5, 1]) {
        const { result } = await run({ sampler, strength });
        expect(result.latents.data.every(Number.isFinite)).toBe(true);
      }
    },
  );

  it.each(['webui', 'diffusers'] as const)('starts from the picture, as %s', async (conventions) => {
    const seen: Float32Array[] = [];
    class Seeing extends ColourModel {
      override async predict(...input: Parameters<ColourModel['predict']>) {
        seen.push(input[0].data);
        return super.predict(...input);
      }
    }
    const request = {
      image: picture(64, 64, 255),
      strength: 0.1,
      initialNoise: 0,
      sampler: 'Euler',
      conventions,
    };
    await run(request, {}, new Seeing());
    // White, brought to unit variance together with the noise that there would be.
    const [first] = seen as [Float32Array];
    expect(Math.max(...first) - Math.min(...first)).toBeLessThan(1e-5);
    expect(first[0]).toBeGreaterThan(0.9);
    expect(first[0]).toBeLessThan(1);
  });

  it('draws in the picture’s size, cut to what latents can have, unless asked for another', async () => {
    const { result: own } = await run({ image: picture(71, 90) });
    expect([own.image.width, own.image.height]).toEqual([64, 88]);
    for (const resizeMode of ['stretch', 'crop', 'fill', 'latent'] as const) {
      const { result } = await run({ image: picture(71, 90), width: 96, height: 72, resizeMode });
      expect([result.image.width, result.image.height]).toEqual([96, 72]);
    }
  });

  it('draws the same for the same seed, however noise is made', async () => {
    for (const conventions of ['webui', 'diffusers'] as const) {
      const draw = async (seed: number) => (await run({ seed, conventions })).result.latents.data;
      expect(await draw(3)).toEqual(await draw(3));
      expect(await draw(3)).not.toEqual(await draw(4));
    }
  });

  it.each([
    [{ strength: 1.5 }, 'Expected strength to be a number from 0 to 1 but received 1.5.'],
    [{ strength: 0.05, conventions: 'diffusers' as const }, 'Strength 0.05 leaves none of 10 steps to do.'],
    [
      { strength: 0.001, exactSteps: true },
      'Redoing 10 steps at strength 0.001 would take 10000 steps in all; 1000 are possible.',
    ],
    [{ image: { ...picture(64, 64), width: 65 } }, /Expected image to be 12480 bytes for 65x64 pixels/],
    [{ image: { ...picture(64, 64), width: 0 } }, /Expected image to have sides from 1 to 16384/],
    [{ image: undefined as never }, 'Expected image to be a picture but received undefined.'],
    [{ image: picture(40, 64) }, 'Expected width to be a multiple of 8 from 64 to 4096 but received 40.'],
    [{ resizeMode: 'squeeze' as never }, 'There is no resize mode named "squeeze".'],
  ])('refuses %o before anything is loaded', async (request, message) => {
    const model = new ColourModel();
    const refusal = run(request, {}, model);
    await expect(refusal).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(refusal).rejects.toThrow(message);
    expect(model.calls).toEqual([]);
  });
});

describe('checkpoints that take more than latents', () => {
  const depth = { data: Float32Array.of(1, 5, 9, 9), width: 2, height: 2 };

  it('get the depth, farthest to nearest as −1 to 1', async () => {
    const { model } = await run({ depth }, {}, new DepthModel());
    const { concat } = model.guides[0]!;
    expect(concat!.dims).toEqual([1, 1, 9, 8]);
    expect([Math.min(...concat!.data), Math.max(...concat!.data)]).toEqual([-1, 1]);
  });

  it('get an even depth as the middle', async () => {
    const even = { ...depth, data: new Float32Array(4).fill(7) };
    const { model } = await run({ depth: even }, {}, new DepthModel());
    expect(model.guides[0]!.concat!.data.every((value) => value === 0)).toBe(true);
  });

  it.each([
    [undefined, 'This checkpoint draws by the depth of a picture, and there is none.'],
    [{ ...depth, width: 3 }, 'Expected depth to be 6 numbers for 3x2 points but received 4.'],
    [{ ...depth, data: Float32Array.of(1, NaN, 2, 3) }, 'Expected depth to be numbers but some are not.'],
  ])('refuse what is no depth: %o', async (map, message) => {
    await expect(run(map ? { depth: map } : {}, {}, new DepthModel())).rejects.toThrow(message);
  });

  it('get the picture to change, and are asked without it and without the text as well', async () => {
    const { model, steps } = await run({ cfgScale: 7, imageCfgScale: 1.5 }, {}, new InstructModel());
    expect(model.guides).toHaveLength(3 * steps.length);
    const sums = model.guides.slice(0, 3).map(({ concat }) => concat!.data.some((value) => value !== 0));
    expect(sums).toEqual([true, true, false]);
  });

  it('need two evaluations where the picture counts once', async () => {
    const { model, steps } = await run({ imageCfgScale: 1 }, {}, new InstructModel());
    expect(model.guides).toHaveLength(2 * steps.length);
  });

  it('for inpainting get a mask that covers all', async () => {
    const { model } = await run({}, {}, new InpaintModel());
    const { data, dims } = model.guides[0]!.concat!;
    expect(dims).toEqual([1, 5, 9, 8]);
    expect(data.subarray(0, 72).every((value) => value === 1)).toBe(true);
  });
});

describe('stopping imageToImage', () => {
  it('takes effect after the picture was encoded', async () => {
    const model = new ColourModel();
    const stop = new AbortController();
    model.onEncode = () => stop.abort(new Error('enough'));
    await expect(run({}, { signal: stop.signal }, model)).rejects.toThrow('enough');
    expect(model.calls).not.toContain('predict');
  });

  it('takes effect before the next evaluation of the network', async () => {
    const model = new ColourModel();
    const stop = new AbortController();
    model.onPredict = (count) => count === 3 && stop.abort(new Error('enough'));
    await expect(run({}, { signal: stop.signal }, model)).rejects.toThrow('enough');
    expect(model.calls.filter((call) => call === 'predict')).toHaveLength(3);
    expect(model.calls).not.toContain('decode');
  });
});

describe('what guides the steps', () => {
  it('is asked before every evaluation, with the step and the half of the guidance', async () => {
    const asked: [number, number, boolean][] = [];
    const controls = {
      guidesFor: async ({
        stepIndex,
        steps,
        isUncond,
      }: {
        stepIndex: number;
        steps: number;
        isUncond: boolean;
      }) => {
        asked.push([stepIndex, steps, isUncond]);
        return { inputs: { strength: { data: Float32Array.of(stepIndex), dims: [1] } } };
      },
    };
    const { model } = await run({ strength: 0.1, sampler: 'Euler' }, { controls });
    expect(asked).toEqual([
      [0, 2, false],
      [0, 2, true],
      [1, 2, false],
      [1, 2, true],
    ]);
    expect(model.guides.map(({ inputs }) => inputs!.strength!.data[0])).toEqual([0, 0, 1, 1]);
    expect(model.guides.every(({ size }) => size !== undefined)).toBe(true);
  });
});

describe('extra noise', () => {
  it.each(['Euler', 'DDIM', 'UniPC'])('is so much more of the noise on the picture: %s', async (sampler) => {
    // With one step and a model that sees nothing but its input, latents are a straight line of the noise.
    const first = async (request: Partial<ImageToImageRequest>) => {
      const model = new ColourModel();
      const seen: Float32Array[] = [];
      const predict = model.predict.bind(model);
      model.predict = (x, ...rest) => {
        seen.push(x.data);
        return predict(x, ...rest);
      };
      await run({ sampler, strength: 0.5, ...request }, {}, model);
      return seen[0]!;
    };
    const [none, half, all] = [
      await first({}),
      await first({ extraNoise: 0.5 }),
      await first({ extraNoise: 1 }),
    ];
    half.forEach((value, i) => expect(value - none[i]!).toBeCloseTo((all[i]! - none[i]!) / 2, 5));
    expect(all).not.toEqual(none);
    const quiet = await first({ extraNoise: 1, initialNoise: 0 });
    expect(new Set(quiet).size).toBe(1);
  });

  it('is refused beyond 1', async () => {
    await expect(run({ extraNoise: 2 })).rejects.toThrow(
      'Expected extraNoise to be a number from 0 to 1 but received 2.',
    );
  });
});

describe('matching colours', () => {
  it('gives the result the colours of the picture, in the size drawn', async () => {
    const { result } = await run({
      image: picture(64, 72, 200),
      matchesColours: true,
      width: 72,
      height: 80,
    });
    expect([result.image.width, result.image.height]).toEqual([72, 80]);
    const { result: plain } = await run({ image: picture(64, 72, 200), width: 72, height: 80 });
    // An even picture on both sides: its luminosity is kept, and it had no colour to change.
    plain.image.data.forEach((value, i) => expect(Math.abs(value - result.image.data[i]!)).toBeLessThan(3));
  });

  it('takes over the hue', async () => {
    const red = { ...picture(64, 72), data: picture(64, 72).data.map((_, i) => (i % 3 === 0 ? 200 : 60)) };
    const [r, g, b] = (await run({ image: red, matchesColours: true })).result.image.data;
    // The picture that was drawn is nearly white, and stays as light.
    expect(r! - g!).toBeGreaterThan(2);
    expect(Math.abs(g! - b!)).toBeLessThan(3);
    const [plainRed, plainGreen] = (await run({ image: red })).result.image.data;
    expect(plainRed).toBe(plainGreen);
  });
});
