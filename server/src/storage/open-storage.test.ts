import Database from 'better-sqlite3';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silent } from '../../test/http/fakes.ts';
import { AppError } from '../errors.ts';
import { findJob, insertJob } from './jobs-table.ts';
import { MIGRATIONS } from './migrations.ts';
import { openStorage } from './open-storage.ts';

const job = {
  id: 'b4a1',
  user: 'local',
  settings: '{}',
  pictures: 1,
  created_at: '2026-01-31T00:00:00.000Z',
};
let folder: string;
let dataDir: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-storage-'));
  dataDir = join(folder, 'data');
  file = join(dataDir, 'atelier.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function refusal(): Promise<AppError> {
  const before = readFileSync(file);
  const error = await openStorage(dataDir, silent).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AppError);
  expect(readFileSync(file).equals(before), 'the file is as it was').toBe(true);
  return error as AppError;
}

test('keeps what was stored, in a folder that is only for its owner', async () => {
  const first = await openStorage(dataDir, silent);
  await insertJob(first.db, job);
  await first.close();
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  const second = await openStorage(dataDir, silent);
  expect(await findJob(second.db, job.id)).toMatchObject({ state: 'queued', number: 1 });
  await second.close();
});

test('waits for the disk at every commit, and checks references', async () => {
  const storage = await openStorage(dataDir, silent);
  const setting = async (name: string): Promise<unknown> => {
    const { sql } = await import('kysely');
    const { rows } = await sql<Record<string, unknown>>`SELECT * FROM ${sql.raw(`pragma_${name}`)}`.execute(
      storage.db,
    );
    return Object.values(rows[0] ?? {})[0];
  };
  expect(await setting('journal_mode')).toBe('wal');
  expect(await setting('synchronous')).toBe(2);
  expect(await setting('foreign_keys')).toBe(1);
  expect(await setting('busy_timeout')).toBe(5000);
  await storage.close();
});

test('lets one server at a time use the folder', async () => {
  const first = await openStorage(dataDir, silent);
  await expect(openStorage(dataDir, silent)).rejects.toMatchObject({ type: 'conflict' });
  await first.close();
  await (await openStorage(dataDir, silent)).close();
});

test('refuses a database of a newer program and leaves it as it is', async () => {
  await (await openStorage(dataDir, silent)).close();
  const database = new Database(file);
  database.pragma(`user_version = ${MIGRATIONS.length + 1}`);
  database.close();
  expect((await refusal()).message).toContain(`version ${MIGRATIONS.length + 1}`);
});

test.each([
  ['an empty file', () => Buffer.alloc(0)],
  ['no database', () => Buffer.from('<html>'.repeat(2000))],
  ['a cut one', (whole: Buffer) => whole.subarray(0, whole.length / 2)],
  [
    'a damaged one',
    (whole: Buffer) => Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(whole.length - 4096, 7)]),
  ],
])('never replaces %s by an empty one, and says how to restore', async (_, damage) => {
  await (await openStorage(dataDir, silent)).close();
  writeFileSync(file, damage(readFileSync(file)));
  const error = await refusal();
  expect(error.facts.detail).toContain('cannot be read');
  expect(error.facts.hint).toContain('backup');
  writeFileSync(join(dataDir, 'probe'), '');
});

test('refuses to start anew over the -wal file of a database that is gone', async () => {
  await (await openStorage(dataDir, silent)).close();
  rmSync(file);
  writeFileSync(`${file}-wal`, 'pages that are not in the file yet');
  await expect(openStorage(dataDir, silent)).rejects.toMatchObject({ type: 'internal' });
});

test('backs up before it migrates, and names the newest backup where one is needed', async () => {
  // A database as a program before the first step would have left it.
  await (await openStorage(dataDir, silent)).close();
  const database = new Database(file);
  database.exec('DROP TABLE turns; DROP TABLE idempotency_keys; DROP TABLE images; DROP TABLE jobs');
  database.exec('CREATE TABLE old_things (name TEXT)');
  database.pragma('user_version = 0');
  database.close();

  const migrated = await openStorage(dataDir, silent);
  await insertJob(migrated.db, job);
  await migrated.close();
  const copy = readdirSync(join(dataDir, 'backups')).find((name) => name.includes('before-version')) ?? '';
  const backup = new Database(join(dataDir, 'backups', copy), { readonly: true });
  expect(backup.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all()).toContain(
    'old_things',
  );
  backup.close();

  writeFileSync(file, '');
  const backups = readdirSync(join(dataDir, 'backups')).filter((name) => name.endsWith('.db'));
  const newest = backups.sort().at(-1) as string;
  expect((await refusal()).facts.hint).toContain(newest);
});

test('a step that fails changes nothing', async () => {
  await (await openStorage(dataDir, silent)).close();
  const database = new Database(file);
  database.exec('DROP TABLE turns; DROP TABLE idempotency_keys; DROP TABLE images'); // `jobs` is in the way
  database.pragma('user_version = 0');
  database.close();
  await expect(openStorage(dataDir, silent)).rejects.toThrow('table jobs already exists');
  const after = new Database(file, { readonly: true });
  expect(after.pragma('user_version', { simple: true })).toBe(0);
  expect(after.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'images'").pluck().get()).toBe(0);
  after.close();
});

test('backs up while in use', async () => {
  const storage = await openStorage(dataDir, silent);
  await insertJob(storage.db, job);
  const copy = await storage.backup();
  await storage.close();
  writeFileSync(file, readFileSync(copy));
  const restored = await openStorage(dataDir, silent);
  expect(await findJob(restored.db, job.id)).toBeDefined();
  await restored.close();
});

test('keeps a copy of each of the last days', async () => {
  const copies = (): string[] => readdirSync(join(dataDir, 'backups')).sort();
  await (await openStorage(dataDir, silent)).close();
  await (await openStorage(dataDir, silent)).close();
  expect(copies()).toHaveLength(1);
  rmSync(join(dataDir, 'backups'), { recursive: true });
  mkdirSync(join(dataDir, 'backups'));
  const old = ['27', '28', '29', '30'].map((day) => `atelier-2020-01-${day}T10-00-00-000Z-daily.db`);
  for (const name of [...old, 'atelier-2020-01-01T10-00-00-000Z-manual.db']) {
    writeFileSync(join(dataDir, 'backups', name), '');
  }
  await (await openStorage(dataDir, silent)).close();
  expect(copies().slice(0, 3)).toEqual(['atelier-2020-01-01T10-00-00-000Z-manual.db', ...old.slice(2)]);
  expect(copies()).toHaveLength(4);
});
