import type Database from 'better-sqlite3';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import { backupDatabase, backupFolder } from './database-file.ts';

const DAILY = 'daily';
const KEPT = 3;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Copies the database if the newest daily copy is older than a day, and keeps the last few, so that there is something
 * to restore. Runs beside the work; failing is no reason not to serve.
 */
export async function backUpDaily(database: Database.Database, dataDir: string, log: Log): Promise<void> {
  try {
    const newest = dailyBackups(dataDir).at(-1);
    if (newest !== undefined && Date.now() - timeOf(newest) < DAY_MS) return;
    await backupDatabase(database, dataDir, DAILY);
    for (const old of dailyBackups(dataDir).slice(0, -KEPT)) rmSync(join(backupFolder(dataDir), old));
  } catch (error) {
    log.warn('The database could not be backed up today.', { error });
  }
}

/** Names of daily copies, oldest first. */
function dailyBackups(dataDir: string): string[] {
  try {
    return readdirSync(backupFolder(dataDir))
      .filter((name) => name.endsWith(`-${DAILY}.db`))
      .sort();
  } catch {
    return []; // none was made yet
  }
}

/** When a copy was made, from its name: `atelier-2026-01-31T12-00-00-000Z-daily.db`. */
function timeOf(name: string): number {
  const [, date, hours, minutes, seconds] = /^atelier-(\S+?)T(\d\d)-(\d\d)-(\d\d)/.exec(name) ?? [];
  return Date.parse(`${date}T${hours}:${minutes}:${seconds}Z`) || 0;
}
