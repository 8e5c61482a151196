import type { ElementType } from '../weight-source.ts';
import {
  dequantizeQ4_0,
  dequantizeQ4_1,
  dequantizeQ5_0,
  dequantizeQ5_1,
  dequantizeQ8_0,
} from './simple-quants.ts';
import { dequantizeQ2K, dequantizeQ3K, dequantizeQ4K, dequantizeQ5K, dequantizeQ6K } from './k-quants.ts';

/** Writes the values of all blocks in `blocks` to `out`. */
export type Dequantize = (blocks: Uint8Array, out: Float32Array) => void;

/** A type of values that are stored in blocks with a common scale. */
export interface BlockType {
  readonly name: string;
  /** Values in a block. */
  readonly values: number;
  readonly bytes: number;
  readonly dequantize: Dequantize;
}

/** Types that are stored as they are, by their number in ggml.h. */
export const PLAIN_TYPES: ReadonlyMap<number, ElementType> = new Map<number, ElementType>([
  [0, 'F32'],
  [1, 'F16'],
  [24, 'I8'],
  [25, 'I16'],
  [26, 'I32'],
  [27, 'I64'],
  [28, 'F64'],
  [30, 'BF16'],
]);

const SMALL = 32;
const SUPER = 256;

/** Types in blocks, by their number in ggml.h. */
export const BLOCK_TYPES: ReadonlyMap<number, BlockType> = new Map<number, BlockType>([
  [2, { name: 'Q4_0', values: SMALL, bytes: 18, dequantize: dequantizeQ4_0 }],
  [3, { name: 'Q4_1', values: SMALL, bytes: 20, dequantize: dequantizeQ4_1 }],
  [6, { name: 'Q5_0', values: SMALL, bytes: 22, dequantize: dequantizeQ5_0 }],
  [7, { name: 'Q5_1', values: SMALL, bytes: 24, dequantize: dequantizeQ5_1 }],
  [8, { name: 'Q8_0', values: SMALL, bytes: 34, dequantize: dequantizeQ8_0 }],
  [10, { name: 'Q2_K', values: SUPER, bytes: 84, dequantize: dequantizeQ2K }],
  [11, { name: 'Q3_K', values: SUPER, bytes: 110, dequantize: dequantizeQ3K }],
  [12, { name: 'Q4_K', values: SUPER, bytes: 144, dequantize: dequantizeQ4K }],
  [13, { name: 'Q5_K', values: SUPER, bytes: 176, dequantize: dequantizeQ5K }],
  [14, { name: 'Q6_K', values: SUPER, bytes: 210, dequantize: dequantizeQ6K }],
]);

/** Types that are known and not supported, to name them. */
export const OTHER_TYPES: ReadonlyMap<number, string> = new Map([
  [9, 'Q8_1'],
  [15, 'Q8_K'],
  [16, 'IQ2_XXS'],
  [17, 'IQ2_XS'],
  [18, 'IQ3_XXS'],
  [19, 'IQ1_S'],
  [20, 'IQ4_NL'],
  [21, 'IQ3_S'],
  [22, 'IQ2_S'],
  [23, 'IQ4_XS'],
  [29, 'IQ1_M'],
  [34, 'TQ1_0'],
  [35, 'TQ2_0'],
  [39, 'MXFP4'],
]);
