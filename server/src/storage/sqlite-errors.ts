import Database from 'better-sqlite3';
import { AppError } from '../errors.ts';

const hasCode = (error: unknown, ...prefixes: string[]): error is InstanceType<typeof Database.SqliteError> =>
  error instanceof Database.SqliteError && prefixes.some((prefix) => error.code.startsWith(prefix));

/** The file is not a database, or its pages contradict each other. */
export const isDamaged = (error: unknown): boolean => hasCode(error, 'SQLITE_CORRUPT', 'SQLITE_NOTADB');

/** Full, read-only or failing storage: the write did not happen and may succeed later. */
export const isStorageShortage = (error: unknown): boolean =>
  hasCode(error, 'SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_READONLY', 'SQLITE_CANTOPEN');

/** Runs a write; a shortage of storage becomes an `insufficient-storage` that can be answered. */
export async function storing<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isStorageShortage(error)) throw error;
    throw new AppError('insufficient-storage', {
      detail: 'The database could not be written: the disk is full or read-only.',
      hint: 'Free some space in the data folder and try again.',
      retryAfterS: 30,
      cause: error,
    });
  }
}
