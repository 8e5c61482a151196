import { createHash } from 'node:crypto';
import { AppError } from '../../errors.ts';
import type { Idempotency } from '../../queue/queue.ts';

export const IDEMPOTENCY_KEY = 'Idempotency-Key';

/**
 * The key of a request with a hash of its body, in which the order of keys and white space do not count.
 * @throws AppError `invalid-request` for a key that is not 1 to 255 printable ASCII characters.
 */
export function readIdempotency(key: string | undefined, body: unknown): Idempotency | undefined {
  if (key === undefined) return undefined;
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw new AppError('invalid-request', {
      detail: `The header ${IDEMPOTENCY_KEY} must be 1 to 255 printable ASCII characters.`,
    });
  }
  return { key, bodyHash: createHash('sha256').update(canonical(body)).digest('hex') };
}

/** JSON with sorted keys. Recurses as deep as the body, which is bounded. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}
