import { AppError } from '../../errors.ts';

/** Bounds of a JSON body beyond its bytes; nothing of ours nests deeper or has more keys. */
const MAX_DEPTH = 64;
const MAX_KEYS = 10_000;
const FORBIDDEN_KEYS = new Set(['__proto__', 'prototype', 'constructor']);

/**
 * Refuses JSON that is too deep, has too many keys, a key that names a prototype, or a number that is not finite
 * (`1e400`). Does not recurse.
 * @throws AppError `malformed-json`.
 */
export function checkJson(value: unknown): void {
  let keys = 0;
  const open: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value === 'number' && !Number.isFinite(value)) throw refused('Numbers must be finite.');
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= MAX_DEPTH) throw refused(`The body is nested deeper than ${MAX_DEPTH} levels.`);
    const inner: unknown[] = Array.isArray(value) ? value : Object.values(value);
    if (!Array.isArray(value)) {
      const names = Object.keys(value);
      keys += names.length;
      if (keys > MAX_KEYS) throw refused(`The body has more than ${MAX_KEYS} keys.`);
      const forbidden = names.find((name) => FORBIDDEN_KEYS.has(name));
      if (forbidden !== undefined) throw refused(`The key "${forbidden}" is not allowed.`);
    }
    for (const item of inner) open.push({ value: item, depth: depth + 1 });
  }
}

const refused = (detail: string): AppError => new AppError('malformed-json', { detail });
