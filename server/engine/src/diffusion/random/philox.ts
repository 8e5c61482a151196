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
    return Float32Array.from({ length: count }, (_, element) => {
      const [first, second] = philox(call, element, this.#key);
      return Math.sqrt(-2 * Math.log(first * UNIT + UNIT / 2)) * Math.sin(second * TURN + TURN / 2);
    });
  }

  save(): GeneratorState {
    return { kind: 'philox', seed: this.#seed, draws: this.#draws };
  }
}

/** The first two of the four words for the counter [call, 0, element, 0]. */
function philox(call: number, element: number, key: readonly [number, number]): [number, number] {
  let [a, b, c, d] = [call, 0, element, 0];
  let [keyA, keyB] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const next = [
      high(c, FACTOR_B) ^ b ^ keyA,
      imul(c, FACTOR_B),
      high(a, FACTOR_A) ^ d ^ keyB,
      imul(a, FACTOR_A),
    ];
    [a, b, c, d] = next;
    keyA = (keyA + KEY_STEP_A) | 0;
    keyB = (keyB + KEY_STEP_B) | 0;
  }
  return [a >>> 0, b >>> 0];
}

/** The upper 32 bits of the product of two 32-bit integers. */
function high(x: number, y: number): number {
  const [xLow, xHigh, yLow, yHigh] = [x & 0xffff, x >>> 16, y & 0xffff, y >>> 16];
  const low = xLow * yLow;
  const middle = xHigh * yLow + (low >>> 16);
  const cross = xLow * yHigh + (middle % 0x10000);
  return (xHigh * yHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) | 0;
}
