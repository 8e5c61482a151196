import { z } from 'zod';
import { AppError } from '../errors.ts';

/** An id from the address. @throws AppError `not-found` for what cannot be one. */
export function readId(text: string | string[] | undefined, kind: string): string {
  const result = z.uuid().safeParse(text);
  if (result.success) return result.data.toLowerCase();
  throw new AppError('not-found', { detail: `There is no such ${kind}.` });
}
