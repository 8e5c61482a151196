import type Database from 'better-sqlite3';
import { Kysely } from 'kysely';
import { chmodSync, mkdirSync, statfsSync } from 'node:fs';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { backUpDaily } from './daily-backup.ts';
import { backupDatabase, openDatabaseFile } from './database-file.ts';
import type { Database as Schema } from './schema.ts';
import { takeServerLock } from './server-lock.ts';
import { OwnSqliteDialect } from './sqlite-dialect.ts';

/** The server's database. One process at a time holds it. */
export interface Storage {
  readonly dataDir: string;
  readonly db: Kysely<Schema>;
  /** Copies the database, while in use, to `backups/`. @returns path of the copy. */
  backup(): Promise<string>;
  /** Writes everything into the main file and lets go of the data folder. */
  close(): Promise<void>;
}

/**
 * Opens (or creates) the database in `dataDir`, brings it up to date, and claims the folder for this process.
 * @throws AppError `conflict` (another server holds it); `internal` for a damaged or newer database, an unwritable folder
 *   or a too old SQLite, with what to do in its hint. Existing files are then as they were.
 */
export async function openStorage(dataDir: string, log: Log): Promise<Storage> {
  prepareFolder(dataDir, log);
  const lock = takeServerLock(dataDir);
  let database: Database.Database;
  try {
    database = await openDatabaseFile(dataDir, log);
  } catch (error) {
    lock.release();
    throw error;
  }
  const backingUp = backUpDaily(database, dataDir, log);
  const db = new Kysely<Schema>({ dialect: new OwnSqliteDialect(database) });
  return {
    dataDir,
    db,
    backup: () => backupDatabase(database, dataDir, 'manual'),
    async close() {
      await backingUp;
      if (database.open) database.pragma('wal_checkpoint(TRUNCATE)');
      await db.destroy();
      lock.release();
    },
  };
}

function prepareFolder(dataDir: string, log: Log): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    chmodSync(dataDir, 0o700);
  } catch (cause) {
    throw new AppError('internal', {
      detail: `The data folder ${dataDir} cannot be used: ${(cause as Error).message}.`,
      hint: 'Choose another one with --data, or give yourself the right to write there.',
      cause,
    });
  }
  const system = NETWORK_FILE_SYSTEMS.get(statfsSync(dataDir).type);
  if (system !== undefined) {
    log.warn(`The data folder lies on a network file system (${system}); its locks may not hold.`, {
      dataDir,
    });
  }
}

/** `f_type` of statfs(2). */
const NETWORK_FILE_SYSTEMS = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
]);
