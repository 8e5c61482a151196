import { PriorityQueue } from './priority-queue.ts';

/** Ids below this are single bytes, first as they are, then at the end of a word. */
const FIRST_MERGED = 512;
const END_OF_WORD = 256;
const KEY = 2 ** 16;
const PLACE = 2 ** 32;

/** Id of each byte: CLIP's alphabet has the printable bytes of Latin-1 first, then the others. */
const BYTE_IDS = (() => {
  const isPrintable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const alphabet = [...bytes.filter(isPrintable), ...bytes.filter((byte) => !isPrintable(byte))];
  const ids = new Uint16Array(256);
  alphabet.forEach((byte, id) => (ids[byte] = id));
  return ids;
})();

/** Byte pair encoding: a word's bytes, joined pair by pair in the order in which training found the pairs. */
export class BytePairs {
  /** What a pair of ids becomes. Merge n makes the token 512 + n, so the smaller id is the better merge. */
  readonly #merged: Map<number, number>;

  /** @param merges The left ids of all merges, best first, then as many right ids. */
  constructor(merges: Uint16Array) {
    const count = merges.length / 2;
    this.#merged = new Map();
    for (let n = 0; n < count; n++) {
      this.#merged.set(merges[n]! * KEY + merges[n + count]!, FIRST_MERGED + n);
    }
  }

  /** @param word UTF-8, at least one byte. Time grows as n log n, whatever the word. */
  encode(word: Uint8Array): number[] {
    const ids: (number | null)[] = Array.from(word, (byte) => BYTE_IDS[byte]!);
    ids[ids.length - 1]! += END_OF_WORD;
    const before = ids.map((_, i) => i - 1);
    const after = ids.map((_, i) => i + 1);
    const candidates = new PriorityQueue();
    const merge = (left: number): number | undefined => {
      const right = after[left]!;
      return right < ids.length ? this.#merged.get(ids[left]! * KEY + ids[right]!) : undefined;
    };
    const consider = (left: number) => {
      const token = merge(left);
      if (token !== undefined) candidates.push(token * PLACE + left);
    };
    for (let i = 0; i < ids.length; i++) consider(i);
    for (let next = candidates.pop(); next !== undefined; next = candidates.pop()) {
      const left = next % PLACE;
      const token = (next - left) / PLACE;
      // A neighbour may have been merged in the meantime; then the pair is no more.
      if (ids[left] === null || merge(left) !== token) continue;
      const right = after[left]!;
      ids[left] = token;
      ids[right] = null;
      after[left] = after[right]!;
      if (after[right]! < ids.length) before[after[right]!] = left;
      if (before[left]! >= 0) consider(before[left]!);
      consider(left);
    }
    return ids.filter((id) => id !== null);
  }
}
