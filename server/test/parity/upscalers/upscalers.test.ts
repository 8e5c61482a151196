import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { openUpscaler } from '../../../engine/src/families/open-upscaler.ts';
import { maxDifference } from '../diffusion/goldens.ts';
import { openReferences, type References } from '../networks/tensors.ts';
import { Comparison, fixture } from '../report/measure.ts';

// The reference is torch 2.13.0 in float64 with networks written after the papers: see make_fixtures.py.
const FOLDER = fileURLToPath(new URL('../../fixtures/upscalers/', import.meta.url));
const files = readdirSync(FOLDER).filter((name) => /-x\d\.(safetensors|pth)$/.test(name));

/** Of the range of the reference; float32 rounding through up to 20 layers is a few 1e-7. */
const TOLERANCE = 2e-5;

const REFERENCE = fixture('torch 2.13.0 after the papers, float64');
/** By what their names begin with. */
const FEATURES: Record<string, string> = {
  basic: 'RRDB, named as BasicSR does',
  sequential: 'RRDB, named as ESRGAN did',
  plus: 'ESRGAN+',
  published: 'RRDB, named as published',
  compact: 'Compact',
};

let references: References;
beforeAll(async () => {
  references = await openReferences(`${FOLDER}expected.safetensors`);
});

const bytes = (data: Float32Array): Float32Array => data.map((value) => 2 * value - 1);

describe('upscalers with made-up weights', () => {
  it('are there in every naming and format', () => {
    expect(files).toHaveLength(11);
  });

  it.each(files)(
    '%s computes what the reference computes, with scale, depth and widths from the file',
    async (file) => {
      const name = file.replace(/\.\w+$/, '');
      const expected = references.planes(name);
      const input = references.planes('pixels');
      const upscaler = await openUpscaler(FOLDER + file, { threads: 1 });
      expect([upscaler.name, upscaler.scale]).toEqual([name, Number(name.at(-1))]);
      const [, , height, width] = input.dims;
      const result = await upscaler.upscale({ data: bytes(input.data), height, width });
      expect([1, 3, result.height, result.width]).toEqual(expected.dims);
      const range = expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const error = maxDifference(result.data, bytes(expected.data)) / (2 * range);
      const feature = FEATURES[name.split('-')[0]!];
      new Comparison('Upscalers', feature!, REFERENCE).within(error, TOLERANCE, 'largest');
      await upscaler.dispose();
    },
  );

  it('take any size, also where pixels are folded into channels', async () => {
    const upscaler = await openUpscaler(`${FOLDER}basic-x1.safetensors`, { threads: 1 });
    const picture = { data: new Float32Array(3 * 13 * 7).fill(0.25), height: 13, width: 7 };
    const result = await upscaler.upscale(picture);
    expect([result.height, result.width, result.data.length]).toEqual([13, 7, 3 * 13 * 7]);
    await upscaler.dispose();
  });

  it('enlarge in tiles, reporting each, to nearly what they make of the whole', async () => {
    const upscaler = await openUpscaler(`${FOLDER}compact-x2.safetensors`, { threads: 1 });
    const data = Float32Array.from(
      { length: 3 * 70 * 90 },
      (_, i) => Math.sin(i * 0.37) * Math.cos(i * 0.011),
    );
    const picture = { data, height: 70, width: 90 };
    const seen: string[] = [];
    const whole = await upscaler.upscale(picture);
    const tiled = await upscaler.upscale(picture, {
      tile: 48,
      overlap: 16,
      onProgress: ({ tile, tiles }) => seen.push(`${tile}/${tiles}`),
    });
    expect(seen).toEqual(['1/6', '2/6', '3/6', '4/6', '5/6', '6/6']);
    // Only the few pixels at the edge of a tile see other surroundings, and these count least.
    const far = tiled.data.filter((value, index) => Math.abs(value - whole.data[index]!) > 1e-5);
    expect(far.length / tiled.data.length).toBeLessThan(0.4);
    expect(maxDifference(tiled.data, whole.data)).toBeLessThan(0.3);
    await upscaler.dispose();
  });

  it('stop between tiles when they are told to', async () => {
    const upscaler = await openUpscaler(`${FOLDER}compact-x2.safetensors`, { threads: 1 });
    const picture = { data: new Float32Array(3 * 64 * 64), height: 64, width: 64 };
    const controller = new AbortController();
    let tiles = 0;
    const work = upscaler.upscale(picture, {
      tile: 32,
      overlap: 4,
      signal: controller.signal,
      onProgress: () => {
        tiles += 1;
        if (tiles === 2) controller.abort(new Error('enough'));
      },
    });
    await expect(work).rejects.toThrow('enough');
    expect(tiles).toBe(2);
    await upscaler.dispose();
  });

  it('are not made of other files', async () => {
    await expect(openUpscaler(`${FOLDER}expected.safetensors`)).rejects.toMatchObject({
      code: 'model-invalid',
      message: '"expected.safetensors" is not an upscaler of the ESRGAN or Real-ESRGAN family.',
    });
  });

  it('are refused tiles that make no sense', async () => {
    const upscaler = await openUpscaler(`${FOLDER}compact-x2.safetensors`, { threads: 1 });
    const picture = { data: new Float32Array(3 * 4 * 4), height: 4, width: 4 };
    for (const tiling of [{ tile: 8 }, { tile: 64, overlap: 40 }, { tile: 64.5 }, { overlap: -1 }]) {
      await expect(upscaler.upscale(picture, tiling)).rejects.toMatchObject({ code: 'invalid-request' });
    }
    await upscaler.dispose();
  });
});
