import { describe, expect, it } from 'vitest';
import { comfyUiNoise } from './comfyui-noise.ts';
import type { ImageNoiseRequest } from './image-noise.ts';
import { imageNoise } from './image-noise.ts';
import { PhiloxGenerator } from './philox.ts';
import { spherical } from './spherical.ts';

const dims = [4, 6, 5] as const;
const size = 120;
const request = (seeds: number[], more: Partial<ImageNoiseRequest> = {}): ImageNoiseRequest => ({
  device: 'cpu',
  dims,
  seeds,
  ...more,
});
const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('PhiloxGenerator', () => {
  it('draws normals: mean 0, variance 1, the same for the same seed', () => {
    const draw = (seed: number) => new PhiloxGenerator(seed).normals(50_000);
    expect(Math.abs(mean(draw(5)))).toBeLessThan(0.01);
    expect(Math.abs(mean(draw(5).map((value) => value * value)) - 1)).toBeLessThan(0.02);
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(5 + 2 ** 32));
  });

  it('is torch’s on a GPU, seed 0', () => {
    // The numbers that the webui's documentation of its own copy shows.
    const expected = [-0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564];
    new PhiloxGenerator(0).normals(6).forEach((value, i) => expect(value).toBeCloseTo(expected[i], 6));
  });

  it('has the same first numbers in a longer draw, others in the next', () => {
    const generator = new PhiloxGenerator(3);
    const first = generator.normals(4);
    expect(generator.normals(4)).not.toEqual(first);
    expect(new PhiloxGenerator(3).normals(9).slice(0, 4)).toEqual(first);
  });
});

describe.each(['cpu', 'gpu'] as const)('noise of pictures on the %s', (device) => {
  const more = { device, variation: { seeds: [5, 6], strength: 0.3 }, stepSeedDelta: 7 };

  it('does not depend on the batch', () => {
    const together = imageNoise(request([1, 2], more));
    const alone = [0, 1].map((i) =>
      imageNoise(request([i + 1], { ...more, variation: { seeds: [i + 5], strength: 0.3 } })),
    );
    for (let draw = 0; draw < 3; draw++) {
      const { data, dims: batch } = together.next();
      expect(batch).toEqual([2, ...dims]);
      alone.forEach((one, i) => expect(one.next().data).toEqual(data.slice(i * size, (i + 1) * size)));
    }
    const [path, first] = [together, alone[0]].map((noise) => noise.path([0.1, 9])(8, 4));
    expect(path.data.slice(0, size)).toEqual(first.data);
  });

  it('is the seed’s own without variation and the other seed’s with all of it', () => {
    const drawn = (seed: number, strength: number) =>
      imageNoise(request([seed], { device, variation: { seeds: [9], strength } })).next().data;
    const plain = (seed: number) => imageNoise(request([seed], { device })).next().data;
    expect(drawn(4, 0)).toEqual(plain(4));
    drawn(4, 1).forEach((value, i) => expect(value).toBeCloseTo(plain(9)[i], 5));
    expect(drawn(4, 0.5)).not.toEqual(plain(4));
  });

  it('has other steps with another seed for them, and the same beginning', () => {
    const [own, other] = [0, 31337].map((stepSeedDelta) =>
      imageNoise(request([4], { device, stepSeedDelta })),
    );
    expect(own.next()).toEqual(other.next());
    expect(own.next()).not.toEqual(other.next());
  });

  it.each([
    [{ height: 6, width: 5 }, 'the same size'],
    [{ height: 2, width: 3 }, 'a smaller one'],
    [{ height: 9, width: 12 }, 'a larger one'],
    [{ height: 3, width: 8 }, 'a lower, wider one'],
  ])('keeps what a seed draws in %j: %s', (resizeFrom) => {
    const { data } = imageNoise(request([4], { device, resizeFrom })).next();
    const smaller = imageNoise({
      ...request([4], { device }),
      dims: [4, resizeFrom.height, resizeFrom.width],
    });
    const from = smaller.next().data;
    expect(data).toHaveLength(size);
    // The middle of the one is in the middle of the other.
    const centre = (height: number, width: number) =>
      Math.floor((height - 1) / 2) * width + Math.floor((width - 1) / 2);
    const near = data.includes(from[centre(resizeFrom.height, resizeFrom.width)]);
    expect(near).toBe(true);
  });
});

describe('spherical', () => {
  const [noise, other] = [1, 2].map((seed) => new PhiloxGenerator(seed).normals(4 * 400 * 2));
  const shape = [4, 400, 2] as const;

  it('keeps the length that a straight mix would lose', () => {
    const variance = (values: Float32Array) => mean(values.map((value) => value * value));
    const straight = noise.map((value, i) => (value + other[i]) / 2);
    expect(Math.abs(variance(spherical(noise, other, 0.5, shape)) - 1)).toBeLessThan(0.1);
    expect(variance(straight)).toBeLessThan(0.6);
  });

  it('is the noise itself where both are the same', () => {
    spherical(noise, noise, 0.3, shape).forEach((value, i) => expect(value).toBeCloseTo(noise[i], 6));
  });
});

describe('comfyUiNoise', () => {
  const noise = (device: 'cpu' | 'gpu', seed: number) => comfyUiNoise({ seed, pictures: 2, dims, device });

  it('begins with the same noise wherever it runs, and has other steps', () => {
    const [cpu, gpu] = [noise('cpu', 8), noise('gpu', 8)];
    expect(cpu.next()).toEqual(gpu.next());
    expect(cpu.next()).not.toEqual(gpu.next());
  });

  it('takes the steps of the CPU from the next seed', () => {
    const [first, second] = [noise('cpu', 8), noise('cpu', 9)];
    first.next();
    expect(first.next()).toEqual(second.next());
  });

  it('goes on where it was', () => {
    const source = noise('cpu', 8);
    for (let draw = 0; draw < 3; draw++) {
      const copy = comfyUiNoise({ seed: 8, pictures: 2, dims, device: 'cpu' }, source.save());
      expect(copy.next()).toEqual(source.next());
    }
    expect(noise('cpu', 8).path([0.1, 9])(5, 1)).toEqual(source.path([0.1, 9])(5, 1));
  });
});
