import { describe, expect, it } from 'vitest';
import { ColourModel } from './colour-model.ts';
import type { DrawingRequest } from './generation-types.ts';
import { imageToImage } from './image-to-image.ts';
import { inpaint } from './inpaint.ts';
import { noiseSource } from './noise-source.ts';
import { NOISE_ORIGINS } from './seed-settings.ts';
import { resolveSettings } from './settings.ts';
import { textToImage } from './text-to-image.ts';

const dims = [1, 4, 8, 8] as const;
const settings = (request: Partial<DrawingRequest>) =>
  resolveSettings({ prompt: '', ...request }, { defaults: {} });
const source = (request: Partial<DrawingRequest>) => noiseSource(settings(request), dims, 8);
const draws = (request: Partial<DrawingRequest>, count = 2) => {
  const { next } = source(request);
  return Array.from({ length: count }, () => next().data);
};

describe('noiseSource', () => {
  it('is that of the CPU unless told otherwise', () => {
    expect(draws({ seed: 3 })).toEqual(draws({ seed: 3, noiseOrigin: 'cpu' }));
    expect(draws({ seed: 3 })).toEqual(draws({ seed: 3, conventions: 'diffusers' }));
    expect(draws({ seed: 3 })).not.toEqual(draws({ seed: 3, noiseOrigin: 'gpu' }));
  });

  it('starts as on the CPU in ComfyUI, and goes on in another sequence', () => {
    const [first, second] = draws({ seed: 3 });
    for (const noiseOrigin of ['comfyui', 'comfyui-cpu'] as const) {
      const [start, step] = draws({ seed: 3, noiseOrigin });
      expect(start).toEqual(first);
      expect(step).not.toEqual(second);
    }
    expect(draws({ seed: 3, noiseOrigin: 'comfyui-cpu' })[1]).toEqual(draws({ seed: 4 })[0]);
    expect(draws({ seed: 3, noiseOrigin: 'comfyui' })[1]).toEqual(draws({ seed: 3, noiseOrigin: 'gpu' })[0]);
  });

  it('turns from one seed into another as variation grows', () => {
    const first = (strength: number) => draws({ seed: 3, variation: { seed: 9, strength } })[0]!;
    expect(first(0)).toEqual(draws({ seed: 3 })[0]);
    const other = draws({ seed: 9 })[0]!;
    first(1).forEach((value, i) => expect(value).toBeCloseTo(other[i]!, 5));
    const length = (values: Float32Array) => Math.hypot(...values);
    expect(length(first(0.5)) / length(other)).toBeCloseTo(1, 1);
  });

  it('leaves the steps alone where only the first latents vary', () => {
    const [, plain] = draws({ seed: 3 });
    expect(draws({ seed: 3, variation: { seed: 9, strength: 0.5 } })[1]).toEqual(plain);
  });

  it('lays the noise of another size, counted in pixels, in the middle', () => {
    const asked = settings({ seed: 3, resizeSeedFrom: { width: 64, height: 64 } });
    const [own] = draws({ seed: 3 });
    expect(noiseSource(asked, dims, 8).next().data).toEqual(own);
    const wide = noiseSource(asked, [1, 4, 8, 12], 8).next().data;
    expect(wide.subarray(2, 10)).toEqual(own!.subarray(0, 8));
  });

  it('gives the steps another seed, and the first latents none', () => {
    const [first, step] = draws({ seed: 3, stepSeedDelta: 31337 });
    expect(first).toEqual(draws({ seed: 3 })[0]);
    expect(step).toEqual(draws({ seed: 3 + 31337 })[0]);
  });

  it.each(NOISE_ORIGINS)('has a Brownian path: %s', (noiseOrigin) => {
    const plan = { noise: 'brownian-tree', range: [0.1, 10] } as const;
    const [path, again] = [source({ noiseOrigin }), source({ noiseOrigin })].map((one) => one.ofSteps(plan));
    expect(path!(8, 5).dims).toEqual(dims);
    expect(path!(5, 2).data).toEqual(again!(5, 2).data);
  });

  it.each([
    [{ noiseOrigin: 'tpu' as never }, 'There is no origin of noise named "tpu".'],
    [
      { stepSeedDelta: -1 },
      'Expected stepSeedDelta to be a whole number from 0 to 4294967295 but received -1.',
    ],
    [
      { variation: { seed: 0.5, strength: 1 } },
      'Expected variation.seed to be a whole number from 0 to 4294967295 but received 0.5.',
    ],
    [
      { variation: { seed: 1, strength: 1.5 } },
      'Expected variation.strength to be a number from 0 to 1 but received 1.5.',
    ],
    [
      { resizeSeedFrom: { width: 64, height: 1e9 } },
      'Expected resizeSeedFrom.height to be a multiple of 8 from 64 to 4096 but received 1000000000.',
    ],
    [
      { conventions: 'diffusers' as const, variation: { seed: 1, strength: 0.1 } },
      'There is no variation under the conventions of diffusers.',
    ],
    [
      { noiseOrigin: 'comfyui' as const, stepSeedDelta: 1, resizeSeedFrom: { width: 64, height: 64 } },
      "There is no resizeSeedFrom, no stepSeedDelta under ComfyUI's noise.",
    ],
    [
      { conventions: 'diffusers' as const, noiseOrigin: 'comfyui' as const },
      'The noise is that of diffusers or of ComfyUI, not of both.',
    ],
  ])('refuses %o', (request, message) => {
    expect(() => settings(request)).toThrow(expect.objectContaining({ code: 'invalid-request', message }));
  });
});

describe('what is asked of a seed', () => {
  const image = { data: new Uint8Array(3 * 64 * 64).fill(90), width: 64, height: 64 };
  const mask = { data: new Uint8Array(64 * 64).fill(255), width: 64, height: 64 };
  const base = { prompt: 'x', seed: 3, steps: 4, width: 64, height: 64, sampler: 'Euler a' };
  const pipelines = {
    textToImage: (more: object) => textToImage(new ColourModel(), { ...base, ...more }),
    'a second pass': (more: object) =>
      textToImage(new ColourModel(), { ...base, hires: { scale: 1.5 }, ...more }),
    imageToImage: (more: object) => imageToImage(new ColourModel(), { ...base, image, ...more }),
    inpaint: (more: object) => inpaint(new ColourModel(), { ...base, image, mask, ...more }),
  };
  const drawn = async (name: keyof typeof pipelines, more: object) => {
    for await (const event of pipelines[name](more)) if (event.type === 'image') return event.latents.data;
    throw new Error('no picture');
  };
  const wishes = [
    { noiseOrigin: 'gpu' },
    { noiseOrigin: 'comfyui' },
    { variation: { seed: 9, strength: 0.3 } },
    { stepSeedDelta: 31337 },
    { resizeSeedFrom: { width: 128, height: 128 } },
  ];

  it.each(Object.keys(pipelines) as (keyof typeof pipelines)[])('counts in %s', async (name) => {
    const plain = await drawn(name, {});
    for (const wish of wishes) expect(await drawn(name, wish), JSON.stringify(wish)).not.toEqual(plain);
  });
});
