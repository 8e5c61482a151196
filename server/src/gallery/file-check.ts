import { stat } from 'node:fs/promises';
import { setFound } from '../storage/images-table.ts';
import type { Storage } from '../storage/open-storage.ts';
import type { ImageRow } from '../storage/schema.ts';
import type { OutputsFolder } from './outputs-folder.ts';
import { sha256OfFile } from './sha256.ts';

/** Compares files with their rows, and notes in the row what it finds. */
export class FileCheck {
  readonly #storage: Storage;
  readonly #outputs: OutputsFolder;
  /** Modification times at which files of the right size were found to have wrong contents. */
  readonly #damagedAt = new Map<string, number>();

  constructor(storage: Storage, outputs: OutputsFolder) {
    this.#storage = storage;
    this.#outputs = outputs;
  }

  /**
   * Size and time are compared; the contents only if the time differs.
   * @returns the file's real path, or null if it is gone or damaged; the row is flagged then, and cleared once it is back.
   */
  async whole(row: ImageRow): Promise<string | null> {
    const path = await this.#outputs.locate(row.name);
    const mtimeMs = path === null ? null : await this.#wholeSince(path, row);
    const missing = mtimeMs === null;
    if (missing !== (row.missing === 1) || (mtimeMs !== null && mtimeMs !== row.mtime_ms)) {
      await setFound(this.#storage.db, row.id, missing ? { missing } : { missing, mtimeMs });
    }
    return missing ? null : path;
  }

  /** @returns the file's modification time if it is what the row says, else null. */
  async #wholeSince(path: string, row: ImageRow): Promise<number | null> {
    const found = await stat(path);
    if (!found.isFile() || found.size !== row.size_bytes) return null;
    if (found.mtimeMs === row.mtime_ms) return found.mtimeMs;
    if (this.#damagedAt.get(row.id) === found.mtimeMs) return null;
    if ((await sha256OfFile(path)) === row.sha256) return found.mtimeMs;
    this.#damagedAt.set(row.id, found.mtimeMs);
    return null;
  }
}
