import Database from 'better-sqlite3';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const server = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(server, 'dist');
const stamp = join(dist, '.built-for-tests');

/**
 * Path of a built file of the server, such as `src/workers/worker-entry.js`: processes run from JavaScript. Builds
 * first if a source is newer than the last build.
 */
export function built(file: string): string {
  mkdirSync(dist, { recursive: true });
  // One build at a time, also between the processes of a test run.
  const lock = new Database(join(dist, '.build-lock'), { timeout: 300_000 });
  lock.exec('BEGIN EXCLUSIVE');
  try {
    if (newestSource() > timeOf(stamp)) build();
  } finally {
    lock.close();
  }
  return join(dist, file);
}

function build(): void {
  const started = new Date();
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '--build', server], { encoding: 'utf8' });
  // Files are written in spite of type errors; finding those is the part of another check.
  if (status !== 0 && !existsSync(join(dist, 'src/workers/worker-entry.js'))) throw new Error(stdout);
  writeFileSync(stamp, '');
  utimesSync(stamp, started, started);
}

function newestSource(): number {
  const folders = ['src', 'contract/src', 'engine/src'].map((folder) => join(server, folder));
  const sources = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => join(folder, name)),
  );
  return Math.max(...sources.map(timeOf));
}

function timeOf(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}
