import { describe, expect, it } from 'vitest';
import { brownianTreeNoise } from '../../../engine/src/diffusion/random/brownian-tree.ts';
import { imageNoise } from '../../../engine/src/diffusion/random/image-noise.ts';
import { PhiloxGenerator } from '../../../engine/src/diffusion/random/philox.ts';
import { seedSequence } from '../../../engine/src/diffusion/random/seed-sequence.ts';
import { TorchCpuGenerator } from '../../../engine/src/diffusion/random/torch-cpu.ts';
import { Comparison, golden } from '../report/measure.ts';
import { goldenJson, hasGoldens } from './goldens.ts';

interface Draw {
  shape: number[];
  /** All values, or of a large draw the first 64 and the last 16. */
  values?: number[];
  first?: number[];
  last?: number[];
  /** Over all values, where these are not all there. */
  sum?: number;
  sum_sq?: number;
  sum_abs?: number;
}

const size = (shape: number[]) => shape.reduce((product, length) => product * length, 1);

/** torch 2.13 (CPU, vectorised). Its own scalar build differs by 1.7e-6. */
const NORMALS = 4e-6;
/** The webui's own copy of CUDA's generator, whose last step is in float64. */
const PHILOX = 5e-7;
/** torchsde 0.2.6 with k-diffusion 0.1.1. Increments are sums of many normals. */
const BROWNIAN = 2e-5;

const row = (feature: string, against: string): Comparison =>
  new Comparison('Random numbers', feature, golden(against));
const normals = row('Normals', 'torch 2.13.0 on the CPU');
const others = row('Uniforms and integers', 'torch 2.13.0 on the CPU');
const doubles = row('Normals in float64', 'torch 2.13.0 on the CPU');
const seedWords = row('Seeds of the Brownian tree', 'numpy 2.4.6');
const cuda = row('Normals of CUDA (Philox)', 'webui 1.10');
const pictures = row('Noise of pictures: variations, resized seeds, batches', 'webui 1.10');
const increments = row('Brownian tree', 'torchsde 0.2.6');

function expectDraw(compared: Comparison, actual: Float32Array, expected: Draw, tolerance: number): void {
  const { values = expected.first ?? [], last = [] } = expected;
  expect(values.length).toBeGreaterThan(0);
  expect(actual).toHaveLength(size(expected.shape));
  compared.close(actual.subarray(0, values.length), values, tolerance);
  if (last.length > 0) {
    compared.close(actual.subarray(-last.length), last, tolerance);
  }
  const { sum: plain, sum_sq: squares, sum_abs: absolutes } = expected;
  if (plain === undefined || squares === undefined || absolutes === undefined) return;
  const sum = (f: (value: number) => number) => actual.reduce((total, value) => total + f(value), 0);
  const roomy = tolerance * actual.length;
  expect(Math.abs(sum((v) => v) - plain)).toBeLessThanOrEqual(roomy);
  expect(Math.abs(sum((v) => v * v) - squares)).toBeLessThanOrEqual(8 * roomy);
  expect(Math.abs(sum(Math.abs) - absolutes)).toBeLessThanOrEqual(roomy);
}

describe.skipIf(!hasGoldens)('random numbers of torch 2.13 on the CPU', () => {
  it('has the normals of a fresh generator, for every shape', () => {
    const { cases } = goldenJson<{ cases: (Draw & { seed: number })[] }>('rng/torch_cpu.json');
    for (const draw of cases) {
      expectDraw(normals, new TorchCpuGenerator(draw.seed).normals(size(draw.shape)), draw, NORMALS);
    }
  });

  it('goes on with the same sequence over draws of mixed sizes', () => {
    const { cases } = goldenJson<{ cases: { seed: number; torch: Draw[] }[] }>('rng/sequences.json');
    for (const { seed, torch } of cases) {
      const generator = new TorchCpuGenerator(seed);
      for (const draw of torch) expectDraw(normals, generator.normals(size(draw.shape)), draw, NORMALS);
    }
  });

  it('has exactly its uniforms and integers', () => {
    interface Other {
      seed: number;
      rand_float32_20: number[];
      then_randint_0_1000_x8: number[];
      then_randn_float64_5: number[];
    }
    for (const expected of goldenJson<{ cases: Other[] }>('rng/torch_cpu_other.json').cases) {
      const generator = new TorchCpuGenerator(expected.seed);
      others.exact([...generator.uniforms(20)], expected.rand_float32_20);
      const integers = Array.from({ length: 8 }, () => generator.uint32() % 1000);
      others.exact(integers, expected.then_randint_0_1000_x8);
      for (let i = 0; i < 9; i++) generator.uint32(); // randperm(10)
      const values = Array.from({ length: 5 }, () => generator.normal());
      doubles.close(values, expected.then_randn_float64_5, 1e-14);
    }
  });
});

describe.skipIf(!hasGoldens)('random numbers of CUDA, by Philox', () => {
  it('has the normals of a fresh generator, for every seed and shape', () => {
    const { cases } = goldenJson<{ cases: (Draw & { seed: number })[] }>('rng/philox.json');
    expect(cases.length).toBeGreaterThan(0);
    for (const draw of cases) {
      expectDraw(cuda, new PhiloxGenerator(draw.seed).normals(size(draw.shape)), draw, PHILOX);
    }
  });

  it('goes on with the same sequence over draws of mixed sizes', () => {
    const { cases } = goldenJson<{ cases: { seed: number; philox: Draw[] }[] }>('rng/sequences.json');
    for (const { seed, philox } of cases) {
      const generator = new PhiloxGenerator(seed);
      for (const draw of philox) expectDraw(cuda, generator.normals(size(draw.shape)), draw, PHILOX);
    }
  });
});

describe.skipIf(!hasGoldens)('the noise of pictures in webui 1.10', () => {
  interface Golden {
    source: 'CPU' | 'NV';
    shape: [number, number, number];
    seeds: number[];
    subseeds?: number[];
    subseed_strength?: number;
    seed_resize_from_h?: number;
    seed_resize_from_w?: number;
    ensd?: number;
    first: Draw;
    second: Draw;
    third: Draw;
  }
  const { cases } = hasGoldens
    ? goldenJson<{ cases: Golden[] }>('rng/webui_image_noise.json')
    : { cases: [] };

  it.each(cases)('is that of $source, $seeds $subseeds $seed_resize_from_h $ensd', (golden) => {
    const { seed_resize_from_h: height = 0, seed_resize_from_w: width = 0 } = golden;
    const noise = imageNoise({
      device: golden.source === 'CPU' ? 'cpu' : 'gpu',
      dims: golden.shape,
      seeds: golden.seeds,
      ...(golden.subseeds && {
        variation: { seeds: golden.subseeds, strength: golden.subseed_strength ?? 0 },
      }),
      ...(height > 0 && { resizeFrom: { height: height / 8, width: width / 8 } }),
      stepSeedDelta: golden.ensd ?? 0,
    });
    for (const draw of [golden.first, golden.second, golden.third]) {
      expectDraw(pictures, noise.next().data, draw, BROWNIAN);
    }
  });
});

describe.skipIf(!hasGoldens)('the Brownian tree of torchsde 0.2.6', () => {
  it("derives seeds as numpy's SeedSequence does", () => {
    interface Seeds {
      entropy: number;
      spawn_key?: number[];
      pool_size?: number;
      state_uint32_x4: number[];
      child0?: number[];
      child0_child1?: number[];
    }
    for (const seeds of goldenJson<{ cases: Seeds[] }>('rng/seed_sequence.json').cases) {
      const { entropy, spawn_key: key = [], pool_size: pool = 4 } = seeds;
      const state = (path: number[], words: number) => [
        ...seedSequence(BigInt(entropy), path.map(BigInt), pool, words),
      ];
      seedWords.exact(state(key, 4), seeds.state_uint32_x4);
      if (seeds.child0) seedWords.exact(state([0], 2), seeds.child0);
      if (seeds.child0_child1) seedWords.exact(state([0, 1], 2), seeds.child0_child1);
    }
  });

  it('has the increments of every query', () => {
    interface Tree {
      seed: number;
      sigma_min: number;
      sigma_max: number;
      queries: (Draw & { from: number; to: number })[];
    }
    for (const tree of goldenJson<{ cases: Tree[] }>('rng/brownian.json').cases) {
      const [first] = tree.queries;
      const noise = brownianTreeNoise(tree.seed, size(first!.shape), tree.sigma_min, tree.sigma_max);
      for (const query of tree.queries) expectDraw(increments, noise(query.from, query.to), query, BROWNIAN);
    }
  });
});
