import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Reference data kept beside the checkout; without it the parity tests are skipped and the fixtures still run. */
const FOLDER = fileURLToPath(new URL('../../../../../shared/goldens/', import.meta.url));

export const hasGoldens = existsSync(FOLDER);

export function goldenPath(name: string): string {
  return FOLDER + name;
}

export function goldenJson<T>(name: string): T {
  return JSON.parse(readFileSync(FOLDER + name, 'utf8')) as T;
}

export interface GoldenTensor {
  data: Float32Array;
  shape: number[];
}

/** Float32 tensors of a small safetensors file; others are left out. */
export function goldenTensors(name: string): Map<string, GoldenTensor> {
  const bytes = readFileSync(FOLDER + name);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, GoldenTensor>();
  for (const [key, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    if (dtype !== 'F32') continue;
    const raw = Uint8Array.from(bytes.subarray(start + offsets[0], start + offsets[1]));
    tensors.set(key, { data: new Float32Array(raw.buffer), shape });
  }
  return tensors;
}

/** The largest absolute difference; Infinity where one is not a number or the lengths differ. */
export function maxDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN));
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
  }
  return largest;
}
