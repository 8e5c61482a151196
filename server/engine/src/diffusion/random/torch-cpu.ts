import type { GeneratorState, NoiseGenerator } from './noise-generator.ts';
import { MersenneTwister } from './mersenne-twister.ts';

const { fround } = Math;
const TWO_PI = 2 * Math.PI;
const TWO_PI_FLOAT32 = fround(TWO_PI);
/** Normals are made in blocks of 16: eight cosines, then the eight sines of the same angles. */
const BLOCK = 16;

/**
 * The sequence of PyTorch's CPU generator: `torch.Generator('cpu').manual_seed(seed)`, then `torch.randn`.
 * Values agree with torch's vectorised float32 build to about 5e-7, integers exactly.
 */
export class TorchCpuGenerator implements NoiseGenerator {
  readonly #twister: MersenneTwister;
  #spareNormal: number | null = null;

  /** @param from A seed, of which torch, too, uses the lowest 32 bits only, or where to go on. */
  constructor(from: number | Extract<GeneratorState, { kind: 'torch-cpu' }>) {
    this.#twister = new MersenneTwister(from);
    if (typeof from !== 'number') this.#spareNormal = from.spare;
  }

  save(): GeneratorState {
    return { kind: 'torch-cpu', ...this.#twister.save(), spare: this.#spareNormal };
  }

  /** The next integer, 0…2³²−1. */
  uint32(): number {
    return this.#twister.uint32();
  }

  /** `torch.rand(count)`, float32: 24 random bits each, 0 ≤ value < 1. */
  uniforms(count: number): Float32Array {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = (this.uint32() & 0xffffff) / 2 ** 24;
    return values;
  }

  /**
   * `torch.randn(shape)`, float32, where `count` is the product of the shape. Torch has two ways to make
   * normals: below 16 one by one, otherwise in blocks of 16, the last of which overlaps the one before it
   * (and draws anew) if `count` is no multiple of 16.
   */
  normals(count: number): Float32Array {
    if (count < BLOCK) return Float32Array.from({ length: count }, () => this.normal());
    const values = this.uniforms(count);
    for (let start = 0; start + BLOCK <= count; start += BLOCK) toNormals(values, start);
    if (count % BLOCK !== 0) {
      values.set(this.uniforms(BLOCK), count - BLOCK);
      toNormals(values, count - BLOCK);
    }
    return values;
  }

  /** The next normal of torch's one-by-one way, float64: Box–Muller, whose second value is kept for next time. */
  normal(): number {
    if (this.#spareNormal !== null) {
      const spare = this.#spareNormal;
      this.#spareNormal = null;
      return spare;
    }
    const angle = TWO_PI * this.#uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-this.#uniform53()));
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** 53 random bits of two integers, the first one being the upper half; 0 ≤ value < 1. */
  #uniform53(): number {
    const upper = this.uint32() & 0x1fffff;
    return (upper * 2 ** 32 + this.uint32()) / 2 ** 53;
  }
}

/** Turns 16 uniforms into normals where they lie: Box–Muller, every intermediate rounded to float32. */
function toNormals(values: Float32Array, start: number): void {
  for (let i = start; i < start + BLOCK / 2; i++) {
    const radius = fround(Math.sqrt(fround(-2 * fround(Math.log(1 - values[i])))));
    const angle = fround(TWO_PI_FLOAT32 * values[i + BLOCK / 2]);
    values[i] = radius * fround(Math.cos(angle));
    values[i + BLOCK / 2] = radius * fround(Math.sin(angle));
  }
}
