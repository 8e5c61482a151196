import { LIMITS } from '@atelier/contract';

export interface Aspect {
  readonly name: string;
  readonly across: number;
  readonly down: number;
}

export const ASPECTS: readonly Aspect[] = [
  { name: 'Square', across: 1, down: 1 },
  { name: 'Portrait', across: 3, down: 4 },
  { name: 'Landscape', across: 4, down: 3 },
  { name: 'Tall', across: 9, down: 16 },
  { name: 'Wide', across: 16, down: 9 },
];

/**
 * The size of an aspect with about as many pixels as the model's native size, which is what the model draws best.
 * Sides are multiples of 8, of 64 where the model is large enough for that to be close.
 */
export function sizeFor(
  aspect: Aspect,
  native: { width: number; height: number },
): { width: number; height: number } {
  const pixels = native.width * native.height;
  const unit = pixels >= 384 * 384 ? 64 : LIMITS.side.multipleOf;
  const height = Math.sqrt((pixels * aspect.down) / aspect.across);
  return { width: snap((height * aspect.across) / aspect.down, unit), height: snap(height, unit) };
}

/** The nearest allowed length of a side. */
export function snap(length: number, unit: number = LIMITS.side.multipleOf): number {
  const { min, max } = LIMITS.side;
  return Math.min(max, Math.max(min, Math.round(length / unit) * unit));
}
