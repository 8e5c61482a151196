import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../errors.ts';

/** Bytes that may still be written below `folder`, which is made when it is needed. */
export async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    const parent = dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === folder) throw error;
    return freeBytes(parent);
  }
}

const SHORTAGES = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO', 'EMFILE', 'ENFILE']);

/** A file could not be written for want of space or rights: nothing is wrong with the picture. */
export const isShortage = (error: unknown): boolean =>
  SHORTAGES.has((error as NodeJS.ErrnoException).code ?? '');

export const insufficientStorage = (cause: unknown): AppError =>
  new AppError('insufficient-storage', {
    detail: `The picture could not be written to the outputs folder (${(cause as NodeJS.ErrnoException).code ?? String(cause)}).`,
    hint: 'Free some space there, or give the server the right to write, and draw again.',
    retryAfterS: 30,
    cause,
  });
