import { describe, expect, it } from 'vitest';
import { ColourModel } from './colour-model.ts';
import type { GuidanceRequest } from './guidance-settings.ts';
import { isGuided, resolveGuidance } from './guidance-settings.ts';
import { textToImage, type TextToImageRequest } from './text-to-image.ts';

const plan = { countsTimesteps: false, evaluations: 10, timestepOf: (sigma: number) => 100 * sigma };
const guided = (request: GuidanceRequest, more: Partial<typeof plan> = {}) => {
  const settings = resolveGuidance(request);
  const levels = [14, 10, 7, 5, 3, 2, 1, 0.5, 0.2, 0.1];
  return levels
    .map((sigma, evaluation) => (isGuided(settings, { ...plan, ...more }, { sigma, evaluation }) ? 'g' : '.'))
    .join('');
};

describe('isGuided', () => {
  it.each([
    [{}, 'gggggggggg'],
    [{ skipEarly: 0.3 }, '....gggggg'],
    [{ skipEarly: 1 }, '..........'],
    [{ minimumSigma: 6 }, 'ggg.g.g.g.'],
    [{ minimumSigma: 6, isMinimumForAll: true }, 'ggg.......'],
    [{ interval: { from: 1, to: 7 } }, '..ggggg...'],
    [{ interval: { from: 1, to: 7 }, skipEarly: 0.3 }, '....ggg...'],
  ])('%o: %s', (request, expected) => {
    expect(guided(request)).toBe(expected);
  });

  it('compares timesteps where these are what the sampler has', () => {
    expect(guided({ minimumSigma: 15, isMinimumForAll: true }, { countsTimesteps: true })).toBe('ggggggggg.');
  });

  it.each([
    [{ rescale: 2 }, 'Expected guidance.rescale to be a number from 0 to 1 but received 2.'],
    [{ skipEarly: NaN }, 'Expected guidance.skipEarly to be a number from 0 to 1 but received NaN.'],
    [{ minimumSigma: 16 }, 'Expected guidance.minimumSigma to be a number from 0 to 15 but received 16.'],
    [
      { interval: { from: 3, to: 1 } },
      'Expected guidance.interval.from to be at most guidance.interval.to but received 3 and 1.',
    ],
  ])('refuses %o', (request, message) => {
    expect(() => resolveGuidance(request)).toThrow(
      expect.objectContaining({ code: 'invalid-request', message }),
    );
  });
});

describe('guidance of a picture', () => {
  const run = async (guidance: GuidanceRequest, more: Partial<TextToImageRequest> = {}) => {
    const model = new ColourModel();
    const request = { prompt: 'cat', negativePrompt: 'dog', steps: 10, sampler: 'Euler', guidance, ...more };
    for await (const event of textToImage(model, request)) {
      if (event.type !== 'image') continue;
      const evaluations = model.calls.filter((call) => call === 'predict').length;
      return { data: event.latents.data, evaluations };
    }
    throw new Error('no picture');
  };

  it('leaves evaluations out that are not asked for', async () => {
    expect((await run({})).evaluations).toBe(20);
    expect((await run({ skipEarly: 0.3 })).evaluations).toBe(16);
    expect((await run({ minimumSigma: 15, isMinimumForAll: true })).evaluations).toBe(10);
    expect((await run({ minimumSigma: 15 })).evaluations).toBe(15);
  });

  it('counts both evaluations of a step of second order', async () => {
    const [plain, skipping] = [
      await run({}, { sampler: 'Heun' }),
      await run({ skipEarly: 0.5 }, { sampler: 'Heun' }),
    ];
    expect(plain.evaluations - skipping.evaluations).toBe(11);
  });

  it('is none where all of it is left out', async () => {
    const { data } = await run({ skipEarly: 1 });
    expect(data).toEqual((await run({}, { cfgScale: 1 })).data);
  });

  it('follows the first of several prompts where the negative one is left out', async () => {
    const prompt = 'cat AND bird :0.5';
    const { data, evaluations } = await run({ skipEarly: 1 }, { prompt });
    expect(evaluations).toBe(20);
    expect(data).not.toEqual((await run({ skipEarly: 1 })).data);
  });

  it('is brought back towards the unguided deviation', async () => {
    const [unguided, plain, rescaled] = [
      (await run({}, { cfgScale: 1 })).data,
      (await run({})).data,
      (await run({ rescale: 1 })).data,
    ];
    expect(rescaled).not.toEqual(plain);
    expect(rescaled.every(Number.isFinite)).toBe(true);
    expect((await run({ rescale: 1 }, { cfgScale: 1 })).data).toEqual(unguided);
    expect((await run({ rescale: 0 })).data).toEqual(plain);
  });

  it('works with a sampler that asks for what is seen without the prompt', async () => {
    const { data, evaluations } = await run({ skipEarly: 0.5 }, { sampler: 'DDIM CFG++' });
    expect(data.every(Number.isFinite)).toBe(true);
    expect(evaluations).toBeLessThan(20);
  });
});
