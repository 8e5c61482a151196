import type { GeneratorState, NoiseGenerator } from './noise-generator.ts';

const { fround, imul } = Math;

const FACTOR_A = 0xd2511f53;
const FACTOR_B = 0xcd9e8d57;
const KEY_STEP_A = 0x9e3779b9;
const KEY_STEP_B = 0xbb67ae85;
const ROUNDS = 10;
/** 2⁻³² and 2π · 2⁻³² as the reference has them, float32. */
const UNIT = fround(2.3283064e-10);
const TURN = fround(2.3283064e-10 * 6.2831855);

/**
 * The sequence of PyTorch's CUDA generator: Philox4x32-10, Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2,
 * 3". The call's index is the first word of the counter and the element's index the third, so a draw of another size has
 * the same first elements. Normals by Box–Muller: the sine of every pair, as `modules/rng_philox.py` of the webui.
 */
export class PhiloxGenerator implements NoiseGenerator {
  readonly #seed: number;
  readonly #key: readonly [number, number];
  #draws: number;

  /** @param seed Integer; 64 bits count. @param draws How many draws are done. */
  constructor(seed: number, draws = 0) {
    const bits = BigInt.asUintN(64, BigInt(seed));
    this.#seed = seed;
    this.#key = [Number(bits & 0xffffffffn), Number(bits >> 32n)];
    this.#draws = draws;
  }

  normals(count: number): Float32Array {
    const call = this.#draws++;
    const values = new Float32Array(count);
    for (let element = 0; element < count; element++) values[element] = normal(call, element, this.#key);
    return values;
  }

  save(): GeneratorState {
    return { kind: 'philox', seed: this.#seed, draws: this.#draws };
  }
}

/** The normal of the first two of Philox' four words for the counter [call, 0, element, 0]. */
function normal(call: number, element: number, key: readonly [number, number]): number {
  let [a, b, c, d] = [call, 0, element, 0];
  let [keyA, keyB] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const [upper, lower] = [high(c, FACTOR_B) ^ b ^ keyA, high(a, FACTOR_A) ^ d ^ keyB];
    b = imul(c, FACTOR_B);
    d = imul(a, FACTOR_A);
    a = upper;
    c = lower;
    keyA = (keyA + KEY_STEP_A) | 0;
    keyB = (keyB + KEY_STEP_B) | 0;
  }
  const radius = Math.sqrt(-2 * Math.log((a >>> 0) * UNIT + UNIT / 2));
  return radius * Math.sin((b >>> 0) * TURN + TURN / 2);
}

/** The upper 32 bits of the product of two 32-bit integers: long multiplication in 16-bit digits. */
function high(x: number, y: number): number {
  const low = (x & 0xffff) * (y & 0xffff);
  const middle = (x >>> 16) * (y & 0xffff) + (low >>> 16);
  const cross = (x & 0xffff) * (y >>> 16) + (middle & 0xffff);
  return ((x >>> 16) * (y >>> 16) + (middle >>> 16) + (cross >>> 16)) | 0;
}
