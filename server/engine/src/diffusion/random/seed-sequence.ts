const HASH_A = { start: 0x43b0d7e5, factor: 0x931e8875 };
const HASH_B = { start: 0x8b51f9dd, factor: 0x58f38ded };
const MIX_LEFT = 0xca01f9dd;
const MIX_RIGHT = 0x4973f715;

/**
 * The state of NumPy's `SeedSequence(entropy, spawn_key=…, pool_size=…).generate_state(words)`: 32-bit words
 * that differ thoroughly for every other seed or key. After O'Neill 2015, "Developing a seed_seq alternative".
 * @param entropy Integer ≥ 0.
 * @param spawnKey Integers ≥ 0.
 */
export function seedSequence(
  entropy: bigint,
  spawnKey: readonly bigint[],
  poolSize: number,
  words: number,
): Uint32Array {
  const input = toWords(entropy);
  if (spawnKey.length > 0) {
    while (input.length < poolSize) input.push(0);
    for (const key of spawnKey) input.push(...toWords(key));
  }
  const hash = hasher(HASH_A);
  const pool = Uint32Array.from({ length: poolSize }, (_, i) => hash(input[i] ?? 0));
  for (let from = 0; from < poolSize; from++) {
    for (let to = 0; to < poolSize; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  }
  for (const word of input.slice(poolSize)) {
    for (let to = 0; to < poolSize; to++) pool[to] = mix(pool[to], hash(word));
  }
  const output = hasher(HASH_B);
  return Uint32Array.from({ length: words }, (_, i) => output(pool[i % poolSize]));
}

/** Base 2³² digits, lowest first; 0 is one digit. */
function toWords(value: bigint): number[] {
  const words = [];
  do {
    words.push(Number(value & 0xffffffffn));
    value >>= 32n;
  } while (value > 0n);
  return words;
}

/** A multiplicative hash whose constant changes at every use. */
function hasher({ start, factor }: { start: number; factor: number }): (value: number) => number {
  let constant = start;
  return (value) => {
    const mixed = value ^ constant;
    constant = Math.imul(constant, factor);
    const product = Math.imul(mixed, constant);
    return (product ^ (product >>> 16)) >>> 0;
  };
}

function mix(x: number, y: number): number {
  const difference = (Math.imul(MIX_LEFT, x) - Math.imul(MIX_RIGHT, y)) | 0;
  return (difference ^ (difference >>> 16)) >>> 0;
}
