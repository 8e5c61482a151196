import { halfToFloat } from '../floats.ts';

/**
 * Super-blocks of 256 values in sub-blocks of 16 or 32, whose scales are themselves quantised: q·(d·scale) − dmin·min.
 * Layouts: ggml's ggml-common.h. Every product and difference is rounded to float32, as ggml does.
 */
const VALUES = 256;
const { fround } = Math;

function half(blocks: Uint8Array, at: number): number {
  return halfToFloat((blocks[at] ?? 0) | ((blocks[at + 1] ?? 0) << 8));
}

/**
 * `{ uint8 scales[16]; uint2 q[256]; half d, dmin; }`: a scale in the low half of its byte, a minimum in the high half.
 * 32 bytes hold 128 values: value `i` of group `g` is bits 2g and 2g + 1 of byte `i`.
 */
export function dequantizeQ2K(blocks: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 84, to += VALUES) {
    const d = half(blocks, at + 80);
    const dmin = half(blocks, at + 82);
    for (let sub = 0; sub < 16; sub += 1) {
      const scales = blocks[at + sub] ?? 0;
      const scale = fround(d * (scales & 15));
      const min = fround(dmin * (scales >> 4));
      const { from, shift } = twoBitPlace(sub);
      for (let i = 0; i < 16; i += 1) {
        const q = ((blocks[at + 16 + from + i] ?? 0) >> shift) & 3;
        out[to + 16 * sub + i] = fround(scale * q) - min;
      }
    }
  }
}

/** `{ uint1 high[256]; uint2 q[256]; int6 scales[16]; half d; }`; without its high bit a value is 4 lower. */
export function dequantizeQ3K(blocks: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 110, to += VALUES) {
    const d = half(blocks, at + 108);
    for (let sub = 0; sub < 16; sub += 1) {
      const low = (blocks[at + 96 + (sub & 7)] ?? 0) >> (sub < 8 ? 0 : 4);
      const high = (blocks[at + 104 + (sub & 3)] ?? 0) >> (2 * (sub >> 2));
      const scale = fround(d * (((low & 15) | ((high & 3) << 4)) - 32));
      const { from, shift } = twoBitPlace(sub);
      for (let i = 0; i < 16; i += 1) {
        const highBit = ((blocks[at + 16 * (sub & 1) + i] ?? 0) >> (sub >> 1)) & 1;
        const q = (((blocks[at + 32 + from + i] ?? 0) >> shift) & 3) - (highBit === 1 ? 0 : 4);
        out[to + 16 * sub + i] = scale * q;
      }
    }
  }
}

/** Where the two bits of the 16 values of a sub-block are. */
function twoBitPlace(sub: number): { from: number; shift: number } {
  return { from: 32 * (sub >> 3) + 16 * (sub & 1), shift: 2 * ((sub >> 1) & 3) };
}

/** `{ half d, dmin; uint6 scales[8], mins[8]; uint4 q[256]; }` */
export function dequantizeQ4K(blocks: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 144, to += VALUES) {
    for (let sub = 0; sub < 8; sub += 1) {
      const { scale, min } = scaleAndMin(blocks, at, sub);
      const from = at + 16 + 32 * (sub >> 1);
      for (let i = 0; i < 32; i += 1) {
        const q = ((blocks[from + i] ?? 0) >> (4 * (sub & 1))) & 15;
        out[to + 32 * sub + i] = fround(scale * q) - min;
      }
    }
  }
}

/** `{ half d, dmin; uint6 scales[8], mins[8]; uint1 high[256]; uint4 q[256]; }` */
export function dequantizeQ5K(blocks: Uint8Array, out: Float32Array): void {
  for (let at = 0, to = 0; to < out.length; at += 176, to += VALUES) {
    for (let sub = 0; sub < 8; sub += 1) {
      const { scale, min } = scaleAndMin(blocks, at, sub);
      const from = at + 48 + 32 * (sub >> 1);
      for (let i = 0; i < 32; i += 1) {
        const low = ((blocks[from + i] ?? 0) >> (4 * (sub & 1))) & 15;
        const high = ((blocks[at + 16 + i] ?? 0) >> sub) & 1;
        out[to + 32 * sub + i] = fround(scale * (low | (high << 4))) - min;
      }
    }
  }
}

/** Eight scales and minima of six bits in 12 bytes: the first four of each plainly, the others put together. */
function scaleAndMin(blocks: Uint8Array, at: number, sub: number): { scale: number; min: number } {
  const byte = (index: number): number => blocks[at + 4 + index] ?? 0;
  const rest = byte(8 + (sub & 3));
  const scale = sub < 4 ? byte(sub) & 63 : (rest & 15) | ((byte(sub - 4) >> 2) & 48);
  const min = sub < 4 ? byte(sub + 4) & 63 : (rest >> 4) | ((byte(sub) >> 2) & 48);
  return { scale: fround(half(blocks, at) * scale), min: fround(half(blocks, at + 2) * min) };
}

/** `{ uint4 low[256]; uint2 high[256]; int8 scales[16]; half d; }`, values from −32 to 31. */
export function dequantizeQ6K(blocks: Uint8Array, out: Float32Array): void {
  const signed = new Int8Array(blocks.buffer, blocks.byteOffset, blocks.length);
  for (let at = 0, to = 0; to < out.length; at += 210, to += VALUES) {
    const d = half(blocks, at + 208);
    for (let sub = 0; sub < 16; sub += 1) {
      const scale = fround(d * (signed[at + 192 + sub] ?? 0));
      // Of 128 values, the first 64 have the low halves of 64 bytes, the others the high halves.
      const part = sub & 7;
      const from = at + 64 * (sub >> 3) + 16 * (part & 3);
      const highFrom = at + 128 + 32 * (sub >> 3) + 16 * (part & 1);
      for (let i = 0; i < 16; i += 1) {
        const low = ((blocks[from + i] ?? 0) >> (part < 4 ? 0 : 4)) & 15;
        const high = ((blocks[highFrom + i] ?? 0) >> (2 * (part >> 1))) & 3;
        out[to + 16 * sub + i] = scale * ((low | (high << 4)) - 32);
      }
    }
  }
}
