import { halfToFloat } from '../floats.ts';

/**
 * Blocks of 32 values: q times a scale d, or q·d + m. Four bits of value `i` are the low half of byte `i` of 16, those of
 * value `i` + 16 the high half. Layouts: ggml's ggml-common.h. Every product and sum is rounded to float32, as ggml does.
 */
const VALUES = 32;
const HALF = VALUES / 2;
const { fround } = Math;

function half(blocks: Uint8Array, at: number): number {
  return halfToFloat((blocks[at] ?? 0) | ((blocks[at + 1] ?? 0) << 8));
}

/** `{ half d; int8 q[32]; }` */
export function dequantizeQ8_0(blocks: Uint8Array, out: Float32Array): void {
  const signed = new Int8Array(blocks.buffer, blocks.byteOffset, blocks.length);
  for (let at = 0, to = 0; to < out.length; at += 34) {
    const d = half(blocks, at);
    for (let i = 2; i < 34; i += 1) out[to++] = d * (signed[at + i] ?? 0);
  }
}

/** `{ half d; uint4 q[32]; }`, values from −8 to 7. */
export function dequantizeQ4_0(blocks: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 18, to += VALUES) {
    const d = half(blocks, at);
    for (let i = 0; i < HALF; i += 1) {
      const pair = blocks[at + 2 + i] ?? 0;
      out[to + i] = d * ((pair & 15) - 8);
      out[to + i + HALF] = d * ((pair >> 4) - 8);
    }
  }
}

/** `{ half d, m; uint4 q[32]; }` */
export function dequantizeQ4_1(blocks: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 20, to += VALUES) {
    const d = half(blocks, at);
    const m = half(blocks, at + 2);
    for (let i = 0; i < HALF; i += 1) {
      const pair = blocks[at + 4 + i] ?? 0;
      out[to + i] = fround(d * (pair & 15)) + m;
      out[to + i + HALF] = fround(d * (pair >> 4)) + m;
    }
  }
}

/** `{ half d; uint32 fifth_bits; uint4 q[32]; }`, values from −16 to 15. */
export function dequantizeQ5_0(blocks: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 22, to += VALUES) {
    const d = half(blocks, at);
    for (let i = 0; i < HALF; i += 1) {
      const pair = blocks[at + 6 + i] ?? 0;
      out[to + i] = d * (((pair & 15) | fifthBit(blocks, at + 2, i)) - 16);
      out[to + i + HALF] = d * (((pair >> 4) | fifthBit(blocks, at + 2, i + HALF)) - 16);
    }
  }
}

/** `{ half d, m; uint32 fifth_bits; uint4 q[32]; }` */
export function dequantizeQ5_1(blocks: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 24, to += VALUES) {
    const d = half(blocks, at);
    const m = half(blocks, at + 2);
    for (let i = 0; i < HALF; i += 1) {
      const pair = blocks[at + 8 + i] ?? 0;
      out[to + i] = fround(d * ((pair & 15) | fifthBit(blocks, at + 4, i))) + m;
      out[to + i + HALF] = fround(d * ((pair >> 4) | fifthBit(blocks, at + 4, i + HALF))) + m;
    }
  }
}

/** Bit `index` of the little-endian word at `at`, as 16 or 0. */
function fifthBit(blocks: Uint8Array, at: number, index: number): number {
  return (((blocks[at + (index >> 3)] ?? 0) >> (index & 7)) & 1) << 4;
}
