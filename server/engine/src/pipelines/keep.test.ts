import { describe, expect, it } from 'vitest';
import { samplers } from './catalogue.ts';
import { ColourModel } from './colour-model.ts';
import type { GenerationEvent } from './generation-types.ts';
import { inpaint } from './inpaint.ts';
import { textToImage, type TextToImageRequest } from './text-to-image.ts';

const reason = new Error('enough');

/** Draws, and keeps what is there when `evaluations` are done. */
async function run(evaluations: number, more: Partial<TextToImageRequest> = {}) {
  const [model, keep] = [new ColourModel(), new AbortController()];
  model.onPredict = (count) => count === evaluations && keep.abort(reason);
  const events: GenerationEvent[] = [];
  const request = { prompt: 'cat', steps: 10, sampler: 'Euler', cfgScale: 1, ...more };
  for await (const event of textToImage(model, request, { keep: keep.signal })) events.push(event);
  const done = model.calls.filter((call) => call === 'predict').length;
  return { events, done, image: events.find((event) => event.type === 'image') };
}

describe('keeping what is there', () => {
  it('decodes what the model saw last', async () => {
    const { events, done, image } = await run(4);
    expect(done).toBe(4);
    expect(events.slice(-2).map(({ type }) => type)).toEqual(['decoding', 'image']);
    expect(image!.latents.data).not.toEqual((await run(0)).image!.latents.data);
  });

  it.each(samplers)('works with $name', async ({ name }) => {
    const { done, image } = await run(3, { sampler: name });
    // What is asked twice a step is asked to the end.
    expect(done).toBe(name === 'DDIM CFG++' ? 4 : 3);
    expect(image!.latents.data.every(Number.isFinite)).toBe(true);
  });

  it('makes a picture of the first pass where the second has not begun', async () => {
    const { done, image } = await run(10, { hires: { scale: 2, steps: 4 } });
    expect(done).toBe(10);
    expect(image!.image.width).toBe(64);
    expect((await run(5, { hires: { scale: 2, steps: 4 } })).image!.image.width).toBe(64);
    expect((await run(11, { hires: { scale: 2, steps: 4 } })).image!.image.width).toBe(128);
  });

  it('throws where nothing is there yet', async () => {
    const request = { prompt: 'cat', steps: 2 };
    const start = async () => {
      for await (const event of textToImage(new ColourModel(), request, {
        keep: AbortSignal.abort(reason),
      })) {
        void event;
      }
    };
    await expect(start()).rejects.toBe(reason);
  });

  it('puts back what a mask spares', async () => {
    const image = { data: new Uint8Array(3 * 64 * 64).fill(40), width: 64, height: 64 };
    const mask = { data: new Uint8Array(64 * 64).fill(255, 0, 2048), width: 64, height: 64 };
    const [model, keep] = [new ColourModel(), new AbortController()];
    model.onPredict = () => keep.abort(reason);
    const request = { prompt: 'x', image, mask, steps: 8, maskBlur: 0, cfgScale: 1 };
    for await (const event of inpaint(model, request, { keep: keep.signal })) {
      if (event.type !== 'image') continue;
      expect(event.image.data.subarray(3 * 64 * 40)).toEqual(image.data.subarray(3 * 64 * 40));
    }
    expect(model.calls.filter((call) => call === 'predict')).toHaveLength(1);
  });
});
