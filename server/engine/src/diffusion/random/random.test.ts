import { describe, expect, it } from 'vitest';
import { brownianTreeNoise } from './brownian-tree.ts';
import { MersenneTwister } from './mersenne-twister.ts';
import { TorchCpuGenerator } from './torch-cpu.ts';

const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: Float32Array) => mean(values.map((value) => value * value)) - mean(values) ** 2;

describe('MersenneTwister', () => {
  it('has the first and the 10,000th number of the C++ standard, seed 5489', () => {
    const twister = new MersenneTwister(5489);
    expect(twister.uint32()).toBe(3499211612);
    for (let i = 2; i < 10_000; i++) twister.uint32();
    expect(twister.uint32()).toBe(4123659995);
  });
});

describe('TorchCpuGenerator', () => {
  it('draws normals: mean 0, variance 1, both ways of making them', () => {
    const generator = new TorchCpuGenerator(7);
    const many = generator.normals(100_003);
    expect(Math.abs(mean(many))).toBeLessThan(0.01);
    expect(Math.abs(variance(many) - 1)).toBeLessThan(0.02);
    const singly = Float32Array.from({ length: 100_000 }, () => generator.normal());
    expect(Math.abs(mean(singly))).toBeLessThan(0.01);
    expect(Math.abs(variance(singly) - 1)).toBeLessThan(0.02);
  });

  it('gives the same numbers for the same seed and others for another', () => {
    const draw = (seed: number) => [...new TorchCpuGenerator(seed).normals(40)];
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
    expect(draw(2 ** 32 + 3), 'only 32 bits count').toEqual(draw(3));
  });
});

describe('brownianTreeNoise', () => {
  const noise = brownianTreeNoise(11, 4096, 0.03, 14.6);
  /** The rise of the path itself. */
  const rise = (from: number, to: number) =>
    noise(from, to).map((value) => value * Math.sqrt(Math.abs(from - to)));

  it('has unit variance over any stretch', () => {
    for (const [from, to] of [
      [14.6, 0.03],
      [14.6, 9],
      [2, 1.9],
      [0.1, 0.03],
    ] as const) {
      expect(Math.abs(variance(noise(from, to)) - 1)).toBeLessThan(0.1);
    }
  });

  it('adds up: two steps see the same path as one', () => {
    const [whole, first, second] = [rise(10, 1), rise(10, 4.2), rise(4.2, 1)];
    whole.forEach((value, i) => expect(first[i] + second[i]).toBeCloseTo(value, 4));
  });

  it('does not depend on the order of questions', () => {
    const fresh = brownianTreeNoise(11, 4096, 0.03, 14.6);
    const [late, early] = [fresh(1, 0.5), fresh(12, 8)];
    expect(noise(12, 8)).toEqual(early);
    expect(noise(1, 0.5)).toEqual(late);
  });
});
