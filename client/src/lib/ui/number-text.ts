export interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

/** The number a half-typed text stands for, or null while it is none that would be accepted. */
export function acceptable(text: string, { min, max, step }: NumberRange): number | null {
  if (text.trim() === '') return null;
  const value = Number(text.replace(',', '.'));
  if (!Number.isFinite(value) || value < min || value > max) return null;
  return onGrid(value, { min, max, step }) === value ? value : null;
}

/** The nearest acceptable number; `fallback` for what is none at all. */
export function settled(text: string, range: NumberRange, fallback: number): number {
  const value = Number(text.replace(',', '.'));
  if (text.trim() === '' || !Number.isFinite(value)) return fallback;
  return Math.min(range.max, Math.max(range.min, onGrid(value, range)));
}

/** Rounded to a multiple of `step`, without the tail of binary fractions (0.1 · 3). */
function onGrid(value: number, { step }: NumberRange): number {
  return Number((Math.round(value / step) * step).toFixed(6));
}
