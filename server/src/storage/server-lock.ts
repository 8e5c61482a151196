import Database from 'better-sqlite3';
import { join } from 'node:path';
import { AppError } from '../errors.ts';

/** Held while the server uses the data folder. */
export interface ServerLock {
  release(): void;
}

/**
 * Makes sure that one server uses a data folder: an exclusive transaction on a file of its own, which the operating
 * system ends with the process, however it ends. No other code may open that file: closing any handle of it in
 * this process would drop the lock (POSIX).
 * @throws AppError `conflict` if another server holds it.
 */
export function takeServerLock(dataDir: string): ServerLock {
  const path = join(dataDir, 'server.lock');
  const database = new Database(path, { timeout: 0 });
  try {
    database.pragma('journal_mode = MEMORY');
    database.pragma('locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw new AppError('conflict', {
      detail: `Another server is using the data folder ${dataDir}.`,
      hint: 'Stop it first, or give this one a data folder of its own with --data.',
      cause,
    });
  }
  return { release: () => database.close() };
}
