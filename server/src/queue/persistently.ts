import { setTimeout } from 'node:timers/promises';
import type { Log } from '../log.ts';
import { isStorageShortage } from '../storage/sqlite-errors.ts';

const WAIT_MS = { first: 500, last: 10_000 };

/**
 * Writes to the database again and again while the disk is full or read-only.
 * @returns what was written, or undefined if `signal` ended the waiting.
 */
export async function persistently<T>(
  write: () => Promise<T>,
  signal: AbortSignal,
  log: Log,
): Promise<T | undefined> {
  for (let waitMs = WAIT_MS.first; ; waitMs = Math.min(waitMs * 2, WAIT_MS.last)) {
    try {
      return await write();
    } catch (error) {
      if (!isStorageShortage(error)) throw error;
      log.error('The database cannot be written; trying again.', { error, waitMs });
      if (signal.aborted) return undefined;
      await setTimeout(waitMs, undefined, { signal }).catch(() => undefined); // one last try when stopped
    }
  }
}
