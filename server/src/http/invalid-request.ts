import type { z } from 'zod';
import { AppError } from '../errors.ts';

/** A field that does not fit, by JSON pointer (RFC 6901). */
export interface FieldError {
  pointer: string;
  detail: string;
}

/**
 * Reads foreign input by its schema.
 * @throws AppError `invalid-request` that names every wrong field.
 */
export function read<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw invalidRequest(fieldErrors(result.error, input));
}

export function invalidRequest(errors: readonly FieldError[], hint?: string): AppError {
  const detail = errors.map(
    ({ pointer, detail }) => `${pointer === '' ? 'The body' : pointer.slice(1)} ${detail}`,
  );
  const more = detail.length > 3 ? ` (and ${detail.length - 3} more)` : '';
  return new AppError('invalid-request', {
    detail: `${detail.slice(0, 3).join('; ')}${more}.`,
    errors,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The schema's complaints as sentences that say what was expected and what came. */
export function fieldErrors(error: z.ZodError, input: unknown): FieldError[] {
  return error.issues.flatMap((issue): FieldError[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({
        pointer: pointerTo([...issue.path, key]),
        detail: 'is not a known field',
      }));
    return [
      {
        pointer: pointerTo(issue.path),
        detail: `${describe(issue)}${came(issue, valueAt(input, issue.path))}`,
      },
    ];
  });
}

function describe(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${article(issue.expected)}`;
    case 'too_small':
      return issue.origin === 'string' ? 'must not be empty' : `must be at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string'
        ? `must have at most ${issue.maximum} characters`
        : `must be at most ${issue.maximum}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
    case 'unrecognized_keys':
    case 'custom':
      return issue.message;
  }
}

const article = (kind: string): string =>
  kind === 'int' ? 'a whole number' : /^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`;

function came(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'custom') return '';
  if (value === undefined) return ', but is missing';
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return `, but ${value} came`;
  if (typeof value !== 'string') return `, but ${Array.isArray(value) ? 'an array' : 'an object'} came`;
  if (issue.code === 'too_big') return `, but has ${value.length}`;
  return value === '' ? '' : `, but ${JSON.stringify(value.slice(0, 80))} came`;
}

const pointerTo = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    input,
  );
}
