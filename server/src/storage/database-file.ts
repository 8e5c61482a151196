import Database from 'better-sqlite3';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { MIGRATIONS } from './migrations.ts';
import { isDamaged } from './sqlite-errors.ts';

/** First version whose WAL is free of a corruption bug that hits several connections (sqlite.org/wal.html). */
const OLDEST_SQLITE = [3, 51, 3] as const;
/** "ATLR": tells our databases from others. */
const APPLICATION_ID = 0x41544c52;

export const databasePath = (dataDir: string): string => join(dataDir, 'atelier.db');
export const backupFolder = (dataDir: string): string => join(dataDir, 'backups');

/**
 * Opens the database file, creating or migrating it.
 * A file that exists is inspected read-only first: a damaged, foreign or newer one is refused and left as it is.
 */
export async function openDatabaseFile(dataDir: string, log: Log): Promise<Database.Database> {
  const path = databasePath(dataDir);
  if (!existsSync(path)) createDatabase(path, dataDir);
  const version = inspect(path, dataDir);
  const database = new Database(path, { timeout: 5000 });
  try {
    requireSqlite(database);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    database.pragma('busy_timeout = 5000');
    if (version < MIGRATIONS.length) {
      const copy = await backupDatabase(database, dataDir, `before-version-${MIGRATIONS.length}`);
      migrate(database);
      log.info('The database was brought up to date.', { from: version, to: MIGRATIONS.length, copy });
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Copies a database while it is in use. @returns path of the copy. */
export async function backupDatabase(
  database: Database.Database,
  dataDir: string,
  why: string,
): Promise<string> {
  mkdirSync(backupFolder(dataDir), { recursive: true, mode: 0o700 });
  const time = new Date().toISOString().replaceAll(/[:.]/g, '-');
  const path = join(backupFolder(dataDir), `atelier-${time}-${why}.db`);
  try {
    await database.backup(`${path}.tmp`);
    syncFile(`${path}.tmp`);
    renameSync(`${path}.tmp`, path);
  } finally {
    rmSync(`${path}.tmp`, { force: true });
  }
  syncFile(backupFolder(dataDir));
  return path;
}

/** Makes a new database under another name first, so that an empty `atelier.db` is always a damaged one. */
function createDatabase(path: string, dataDir: string): void {
  if (existsSync(`${path}-wal`)) throw damaged(path, dataDir, 'the file is gone, but its -wal file is there');
  const draft = `${path}.new`;
  for (const leftover of [draft, `${draft}-journal`]) rmSync(leftover, { force: true });
  const database = new Database(draft);
  try {
    database.pragma(`application_id = ${APPLICATION_ID}`);
    migrate(database);
  } finally {
    database.close();
  }
  renameSync(draft, path);
  syncFile(dataDir);
}

/** @returns the version of the schema in the file, at most ours. */
function inspect(path: string, dataDir: string): number {
  if (statSync(path).size === 0) throw damaged(path, dataDir, 'the file is empty');
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { readonly: true, timeout: 5000 });
    const [check] = database.pragma('quick_check(1)') as { quick_check: string }[];
    if (check?.quick_check !== 'ok')
      throw damaged(path, dataDir, check?.quick_check ?? 'the check gave no answer');
    const version = database.pragma('user_version', { simple: true }) as number;
    if (database.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
      throw damaged(path, dataDir, 'it is not a database of this program');
    }
    if (version > MIGRATIONS.length) throw newer(path, version);
    return version;
  } catch (error) {
    if (isDamaged(error)) throw damaged(path, dataDir, (error as Error).message);
    throw error;
  } finally {
    database?.close();
  }
}

function migrate(database: Database.Database): void {
  database
    .transaction(() => {
      const version = database.pragma('user_version', { simple: true }) as number;
      for (const step of MIGRATIONS.slice(version)) database.exec(step);
      database.pragma(`user_version = ${MIGRATIONS.length}`);
    })
    .immediate();
}

function requireSqlite(database: Database.Database): void {
  const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
  const found = version.split('.').map(Number);
  const older =
    OLDEST_SQLITE.map((part, i) => (found[i] ?? 0) - part).find((difference) => difference !== 0) ?? 0;
  if (older < 0) {
    throw new AppError('internal', {
      detail: `SQLite ${version} is too old: ${OLDEST_SQLITE.join('.')} or newer is needed.`,
      hint: 'Reinstall the dependencies with `npm ci`.',
    });
  }
}

function damaged(path: string, dataDir: string, reason: string): AppError {
  const newest = newestBackup(dataDir);
  const restore =
    newest === null
      ? 'There is no backup in the data folder; copy one of your own over it'
      : `Copy the newest backup, ${newest}, over it`;
  return new AppError('internal', {
    detail: `The database ${path} cannot be read (${reason}). It was left as it is; your pictures are not affected.`,
    hint: `Move it and the files ${path}-wal and -shm aside. ${restore}, or start anew without it.`,
  });
}

const newer = (path: string, version: number): AppError =>
  new AppError('internal', {
    detail: `The database ${path} has version ${version}; this program knows versions up to ${MIGRATIONS.length}.`,
    hint: 'Start the newer program that wrote it, or restore the backup made before the update. Nothing was changed.',
  });

function newestBackup(dataDir: string): string | null {
  const folder = backupFolder(dataDir);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.db')) : [];
  const last = names.sort().at(-1);
  return last === undefined ? null : join(folder, last);
}

function syncFile(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
