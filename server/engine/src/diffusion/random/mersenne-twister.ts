const SIZE = 624;
const SHIFT = 397;

/** Where a sequence is. */
export interface TwisterState {
  readonly words: Uint32Array;
  /** How many of them are used up. */
  readonly next: number;
}

/** 32-bit Mersenne Twister, MT19937. Matsumoto & Nishimura 1998, with the seeding of their 2002 version. */
export class MersenneTwister {
  readonly #state: Uint32Array;
  #next: number;

  /** @param from A seed, of which the lowest 32 bits count, or where to go on. */
  constructor(from: number | TwisterState) {
    if (typeof from !== 'number') {
      this.#state = from.words.slice();
      this.#next = from.next;
      return;
    }
    const state = new Uint32Array(SIZE);
    this.#state = state;
    this.#next = SIZE;
    state[0] = from;
    for (let i = 1; i < SIZE; i++) {
      const previous = state[i - 1] ^ (state[i - 1] >>> 30);
      state[i] = Math.imul(1812433253, previous) + i;
    }
  }

  /** The next integer, 0…2³²−1. */
  uint32(): number {
    if (this.#next === SIZE) this.#refill();
    let y = this.#state[this.#next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  save(): TwisterState {
    return { words: this.#state.slice(), next: this.#next };
  }

  #refill(): void {
    const state = this.#state;
    for (let i = 0; i < SIZE; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
      state[i] = state[(i + SHIFT) % SIZE] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}
