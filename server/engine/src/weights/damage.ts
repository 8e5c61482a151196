/** For tests: whole numbers below a bound, the same for a seed on every machine. */
export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What lying counts, lengths and offsets are. */
const LIES = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0xffffn,
  0x7fff_ffffn,
  0xffff_ffffn,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/**
 * For tests: a file as it gets when it is cut, has flipped bits, lies about a number, or has pieces of its own format where
 * they do not belong; one to three of these.
 */
export function damaged(
  valid: Uint8Array,
  pick: (below: number) => number,
  pieces: readonly Uint8Array[],
): Uint8Array {
  let bytes = Uint8Array.from(valid);
  for (let changes = 1 + pick(3); changes > 0 && bytes.length > 8; changes -= 1) {
    const at = pick(bytes.length);
    const kind = pick(8);
    if (kind === 0) bytes = bytes.slice(0, at);
    else if (kind <= 2) bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
    else if (kind === 3) bytes[at] = pick(256);
    else if (kind <= 5) {
      const width = [1, 2, 4, 8][pick(4)] ?? 1;
      const lie = LIES[pick(LIES.length)] ?? 0n;
      for (let byte = 0; byte < width && at + byte < bytes.length; byte += 1) {
        bytes[at + byte] = Number((lie >> BigInt(8 * byte)) & 0xffn);
      }
    } else {
      const piece = pieces[pick(pieces.length)] ?? new Uint8Array();
      const rest = bytes.subarray(kind === 6 ? at : Math.min(bytes.length, at + piece.length));
      bytes = Uint8Array.from([...bytes.subarray(0, at), ...piece, ...rest]);
    }
  }
  return bytes;
}

/** What damage puts into a header that is JSON. */
export const JSON_PIECES = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\u0061',
  '9007199254740992',
  '-1',
  'null',
  '"dtype"',
  ' ',
];
