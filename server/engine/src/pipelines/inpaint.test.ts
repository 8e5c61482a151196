import { describe, expect, it } from 'vitest';
import { ColourModel } from './colour-model.ts';
import type { GenerationEvent, GenerationOptions } from './generation-types.ts';
import type { InpaintRequest } from './inpaint-request.ts';
import { inpaint } from './inpaint.ts';

const SIDE = 64;
/** An even, dark picture. */
const image = { data: new Uint8Array(3 * SIDE * SIDE).fill(40), width: SIDE, height: SIDE };
/** The right half is to be drawn. */
const mask = {
  data: Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (i % SIDE >= SIDE / 2 ? 255 : 0)),
  width: SIDE,
  height: SIDE,
};

class InpaintModel extends ColourModel {
  override readonly task = 'inpaint';
}

async function run(
  request: Partial<InpaintRequest> = {},
  options: GenerationOptions = {},
  model = new ColourModel(),
) {
  const events: GenerationEvent[] = [];
  const whole = { prompt: 'a red apple', image, mask, steps: 8, maskBlur: 0, ...request };
  for await (const event of inpaint(model, whole, options)) events.push(event);
  return { events, model, result: events.find((event) => event.type === 'image')! };
}

/** Values of the first channel of latents in the left and the right half. */
function halves(data: Float32Array): [left: number[], right: number[]] {
  const cells = [...data.subarray(0, 64)];
  return [cells.filter((_, i) => i % 8 < 4), cells.filter((_, i) => i % 8 >= 4)];
}
const brightness = Math.fround(2 * Math.fround(40 / 255) - 1);

describe('inpaint', () => {
  it.each([
    { conventions: 'webui', sampler: 'Euler' },
    { conventions: 'webui', sampler: 'DPM++ SDE' },
    { conventions: 'webui', sampler: 'DDIM' },
    { conventions: 'webui', sampler: 'UniPC' },
    { conventions: 'diffusers', sampler: 'Euler a' },
    { conventions: 'diffusers', sampler: 'PLMS' },
    { conventions: 'diffusers', sampler: 'DDIM', strength: 1 },
    { conventions: 'diffusers', sampler: 'DPM++ 2M', keptNoise: 'legacy' },
  ] as const)('keeps the latents that the mask spares, and no others: %o', async (request) => {
    const [left, right] = halves((await run(request)).result.latents.data);
    for (const value of left) expect(value).toBeCloseTo(brightness, 4);
    expect(right.some((value) => Math.abs(value - brightness) > 0.05)).toBe(true);
  });

  it('puts the pixels that the mask spares back as the webui does', async () => {
    class Shifted extends ColourModel {
      override async decode({ dims }: { dims: readonly number[] }) {
        const [, , height = 0, width = 0] = dims;
        return {
          data: new Float32Array(3 * 64 * height * width).fill(1),
          height: 8 * height,
          width: 8 * width,
        };
      }
    }
    const drawn = async (request: Partial<InpaintRequest>) => {
      const { data } = (await run(request, {}, new Shifted())).result.image;
      return [data[0], data[3 * (SIDE - 1)]];
    };
    expect(await drawn({})).toEqual([40, 255]);
    expect(await drawn({ isKeptExactly: false })).toEqual([255, 255]);
    expect(await drawn({ conventions: 'diffusers' })).toEqual([255, 255]);
  });

  it('draws the part around the mask alone and puts it back', async () => {
    const small = { ...mask, data: mask.data.map((_, i) => (i === 20 * SIDE + 20 ? 255 : 0)) };
    const { result } = await run({ mask: small, onlyMasked: { padding: 8 }, width: 128, height: 128 });
    expect(result.latents.dims).toEqual([1, 4, 16, 16]);
    expect([result.image.width, result.image.height]).toEqual([SIDE, SIDE]);
    const changed = [...result.image.data.keys()].filter((i) => result.image.data[i] !== 40);
    expect(changed.every((i) => Math.floor(i / 3) === 20 * SIDE + 20)).toBe(true);
  });

  it('draws all of the picture where "only masked" finds an empty mask', async () => {
    const empty = { ...mask, data: new Uint8Array(SIDE * SIDE) };
    const { result } = await run({ mask: empty, onlyMasked: { padding: 8 } });
    expect(result.image.data).toEqual(image.data);
  });

  it('starts the masked part from what was asked for', async () => {
    const first = async (maskedContent: InpaintRequest['maskedContent']) => {
      let seen: Float32Array | null = null;
      class Seeing extends ColourModel {
        override async predict(...input: Parameters<ColourModel['predict']>) {
          seen ??= input[0].data;
          return super.predict(...input);
        }
      }
      const request = { initialNoise: 0, sampler: 'Euler', ...(maskedContent && { maskedContent }) };
      await run(request, {}, new Seeing());
      return halves(seen!)[1];
    };
    const [original, nothing, noise, fill] = [
      await first('original'),
      await first('nothing'),
      await first('noise'),
      await first('fill'),
    ];
    expect(nothing.every((value) => value === 0)).toBe(true);
    expect(new Set(original).size).toBe(1);
    expect(new Set(noise).size).toBe(noise.length);
    // An even picture is filled with its own colour, but for rounding.
    fill.forEach((value, i) => expect(value).toBeCloseTo(original[i]!, 1));
  });

  it('gives checkpoints for inpainting the mask and the rest of the picture', async () => {
    const { model } = await run({}, {}, new InpaintModel());
    const { data, dims } = model.guides[0]!.concat!;
    expect(dims).toEqual([1, 5, 8, 8]);
    expect(halves(data)[0].every((value) => value === 0)).toBe(true);
    expect(halves(data)[1].every((value) => value === 1)).toBe(true);
    const [left, right] = halves(data.subarray(64));
    expect(left.every((value) => value === brightness)).toBe(true);
    expect(right.every((value) => value === 0)).toBe(true);
  });

  it('hides the masked part from them as far as the mask weighs', async () => {
    const { model } = await run({ maskWeight: 0.5 }, {}, new InpaintModel());
    const [, right] = halves(model.guides[0]!.concat!.data.subarray(64));
    for (const value of right) expect(value).toBeCloseTo(brightness / 2, 6);
  });

  it.each([
    [
      { mask: { ...mask, width: 32, height: 128 } },
      'Expected a mask of 64x64, as the picture is, but received 32x128.',
    ],
    [{ mask: { ...mask, data: mask.data.subarray(1) } }, /Expected mask to be 4096 bytes/],
    [{ maskedContent: 'grass' as never }, 'There is no masked content named "grass".'],
    [{ maskBlur: -1 }, 'Expected maskBlur to be a number from 0 to 64 but received -1.'],
    [
      { onlyMasked: { padding: 0.5 } },
      'Expected padding to be a whole number from 0 to 1024 but received 0.5.',
    ],
  ])('refuses %o before anything is loaded', async (request, message) => {
    const model = new ColourModel();
    await expect(run(request, {}, model)).rejects.toThrow(message);
    expect(model.calls).toEqual([]);
  });

  it('refuses checkpoints that draw by something else', async () => {
    const model = Object.assign(new ColourModel(), { task: 'depth' });
    await expect(run({}, {}, model)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('stops between the two encodings', async () => {
    const model = new InpaintModel();
    const stop = new AbortController();
    model.onEncode = () => stop.abort(new Error('enough'));
    await expect(run({}, { signal: stop.signal }, model)).rejects.toThrow('enough');
    expect(model.calls.filter((call) => call === 'encodeImage')).toHaveLength(1);
  });
});

describe('soft inpainting', () => {
  const gradient = { ...mask, data: mask.data.map((_, i) => Math.round((255 * (i % SIDE)) / (SIDE - 1))) };

  it.each(['Euler', 'DPM++ SDE'])('keeps the latents that the mask spares wholly: %s', async (sampler) => {
    const { result } = await run({ soft: {}, sampler, steps: 6, maskBlur: 4 });
    const cells = [...result.latents.data.subarray(0, 64)];
    cells.filter((_, i) => i % 8 < 2).forEach((value) => expect(value).toBeCloseTo(brightness, 4));
    cells.filter((_, i) => i % 8 > 5).forEach((value) => expect(value).not.toBeCloseTo(brightness, 1));
  });

  it.each(['DDIM', 'PLMS', 'UniPC'])('lets the model see the picture softly: %s', async (sampler) => {
    const [soft, hard] = [await run({ soft: {}, maskBlur: 4, sampler }), await run({ maskBlur: 4, sampler })];
    expect(soft.result.latents.data.every(Number.isFinite)).toBe(true);
    expect(soft.result.latents.data).not.toEqual(hard.result.latents.data);
  });

  it('shows the picture itself where nothing has changed', async () => {
    const unchanged = { ...mask, data: new Uint8Array(SIDE * SIDE) };
    const { result } = await run({ soft: {}, mask: unchanged });
    expect(result.image.data).toEqual(image.data);
  });

  it('is something else than the hard mask of the same picture', async () => {
    const [soft, hard] = [await run({ mask: gradient, soft: {} }), await run({ mask: gradient })];
    expect(soft.result.latents.data).not.toEqual(hard.result.latents.data);
  });

  it('works on the masked part alone', async () => {
    const { result } = await run({ soft: {}, maskBlur: 4, onlyMasked: { padding: 8 } });
    expect(result.image.data.subarray(0, 3)).toEqual(image.data.subarray(0, 3));
  });

  it.each([
    [{ soft: { bias: 9 } }, 'Expected soft.bias to be a number from 0 to 8 but received 9.'],
    [{ soft: { contrast: 0 } }, 'Expected soft.contrast to be a number from 1 to 32 but received 0.'],
    [
      { soft: {}, conventions: 'diffusers' as const },
      'There is no soft inpainting under the conventions of diffusers.',
    ],
  ])('is refused: %o', async (request, message) => {
    await expect(run(request)).rejects.toThrow(message);
  });
});
