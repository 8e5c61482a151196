import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { resizeLatents, type LatentResize } from '../diffusion/resize-latents.ts';
import { resizeByMode, type ResizeMode } from './resize-by-mode.ts';
import { boxGaussianBlur, gaussianBlur } from './blur.ts';
import { fillFromAround } from './fill.ts';
import type { RgbImage } from './image.ts';
import { boundsOf, composed, regionAround } from './masks.ts';
import { resizeImage, resizeNearest } from './resize.ts';

// Reference: Pillow 13.0.0, torch 2.13.0 and SciPy 1.17.1; see make_fixtures.py.
interface Stored {
  data: string;
  width: number;
  height: number;
}
interface Case {
  image: Stored;
  result: Stored;
}
interface Fixture {
  resizes: (Case & { kernel: 'bilinear' | 'bicubic' | 'lanczos' | 'nearest'; box?: number[] })[];
  modes: (Case & { mode: ResizeMode })[];
  box_blurs: (Case & { radius: number })[];
  mask_blurs: (Case & { sigma: number })[];
  fills: (Case & { mask: Stored })[];
  latents: {
    mode: LatentResize;
    values: number[];
    dims: [number, number, number, number];
    size: [number, number];
    result: number[];
  }[];
}
const url = new URL('../../../test/fixtures/pixels/pictures.json', import.meta.url);
const fixture = JSON.parse(readFileSync(url, 'utf8')) as Fixture;

const read = ({ data, width, height }: Stored): RgbImage => ({
  data: new Uint8Array(Buffer.from(data, 'base64')),
  width,
  height,
});
const titled = <T extends Case>(cases: T[]) =>
  cases.map((one) => ({
    ...one,
    from: `${one.image.width}x${one.image.height}`,
    to: `${one.result.width}x${one.result.height}`,
  }));

describe('resizing', () => {
  it.each(titled(fixture.resizes))('makes $to of $from as Pillow does, $kernel', (one) => {
    const { image, result, kernel, box } = one;
    const picture = read(image);
    const [left = 0, top = 0, right = image.width, bottom = image.height] = box ?? [];
    const resized =
      kernel === 'nearest'
        ? resizeNearest(picture, result.width, result.height)
        : resizeImage(picture, result.width, result.height, { kernel, box: { left, top, right, bottom } });
    expect(resized).toEqual(read(result));
  });

  it.each(titled(fixture.modes))('makes $to of $from by $mode', ({ image, result, mode }) => {
    expect(resizeByMode(read(image), result.width, result.height, mode)).toEqual(read(result));
  });

  it.each(fixture.latents)('of latents to $size does as torch: $mode', (one) => {
    const { mode, values, dims, size, result } = one;
    const resized = resizeLatents({ data: Float32Array.from(values), dims }, ...size, mode);
    expect(resized.dims).toEqual([dims[0], dims[1], ...size]);
    resized.data.forEach((value, i) => expect(value).toBeCloseTo(result[i]!, 5));
  });
});

describe('blurring', () => {
  it.each(fixture.box_blurs)('with radius $radius does as Pillow', ({ image, result, radius }) => {
    expect(boxGaussianBlur(read(image), radius)).toEqual(read(result));
  });

  it.each(fixture.mask_blurs)('a mask with $sigma does as SciPy', ({ image, result, sigma }) => {
    const blurred = gaussianBlur(read(image), sigma);
    expect(blurred).toEqual(read(result));
  });

  it('leaves a mask alone where nothing is asked for', () => {
    const mask = { data: Uint8Array.of(0, 255), width: 2, height: 1 };
    expect(gaussianBlur(mask, 0)).toBe(mask);
  });

  it('takes masks narrower than the blur', () => {
    const mask = { data: Uint8Array.of(9, 9, 9), width: 1, height: 3 };
    expect(gaussianBlur(mask, 20).data).toEqual(mask.data);
  });
});

describe('masks', () => {
  it.each(fixture.fills)('are filled from around as with Pillow', ({ image, mask, result }) => {
    expect(fillFromAround(read(image), read(mask))).toEqual(read(result));
  });

  it('blend two pictures', () => {
    const of = (...data: number[]) => ({ data: Uint8Array.from(data), width: 2, height: 1 });
    const drawn = of(200, 200, 200, 200, 200, 200);
    const original = of(100, 100, 100, 0, 0, 0);
    expect(composed(original, drawn, of(0, 51)).data).toEqual(Uint8Array.of(100, 100, 100, 40, 40, 40));
  });

  it('are bounded', () => {
    const data = new Uint8Array(20);
    expect(boundsOf({ data, width: 5, height: 4 })).toBeNull();
    data[7] = 1;
    data[13] = 255;
    expect(boundsOf({ data, width: 5, height: 4 })).toEqual({ left: 2, top: 1, right: 4, bottom: 3 });
  });

  const square = { width: 64, height: 64 };
  it.each([
    [
      'a region grows to the proportions asked for',
      { left: 40, top: 40, right: 60, bottom: 50 },
      0,
      [40, 35, 60, 55],
    ],
    ['it moves back from the edge', { left: 40, top: 92, right: 60, bottom: 100 }, 0, [40, 80, 60, 100]],
    ['padding ends at the edge', { left: 2, top: 2, right: 10, bottom: 10 }, 8, [0, 0, 18, 18]],
    ['it is no larger than the picture', { left: 0, top: 0, right: 200, bottom: 10 }, 0, [0, 0, 200, 100]],
  ])('%s', (_, region, padding, [left, top, right, bottom]) => {
    const around = regionAround(region, padding, { picture: { width: 200, height: 100 }, target: square });
    expect(around).toEqual({ left, top, right, bottom });
  });
});
