import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withLock } from '../../bootstrap/lock.mjs';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('lets one in at a time, over processes', async () => {
  // Each process writes "in" and "out" around a moment of work; overlapping ones would interleave.
  const journal = join(folder, 'journal');
  const module = new URL('../../bootstrap/lock.mjs', import.meta.url).href;
  const script = `
    import { appendFileSync } from 'node:fs';
    import { withLock } from ${JSON.stringify(module)};
    await withLock(${JSON.stringify(path)}, async () => {
      appendFileSync(${JSON.stringify(journal)}, 'in ');
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
      appendFileSync(${JSON.stringify(journal)}, 'out ');
    });`;
  const processes = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', script]),
  );
  await Promise.all(processes.map((child) => once(child, 'exit')));
  expect(readFileSync(journal, 'utf8')).toBe('in out '.repeat(4));
  expect(existsSync(path)).toBe(false);
});

it('takes over the lock of a process that is gone', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  writeFileSync(path, `${child.pid}@${hostname()}`);
  expect(await withLock(path, async () => 'done')).toBe('done');
});

it('takes over a lock that nobody has touched for long, whoever held it', async () => {
  writeFileSync(path, '1@another-machine');
  utimesSync(path, 1, 1);
  expect(await withLock(path, async () => 'done')).toBe('done');
});

it('waits for a holder that lives, and says who it is', async () => {
  writeFileSync(path, `${process.pid}@${hostname()}`);
  const waited = new Promise<string>((resolve) => {
    void withLock(path, async () => undefined, resolve);
  });
  expect(await waited).toBe(`${process.pid}@${hostname()}`);
  rmSync(path);
  await expect.poll(() => existsSync(path)).toBe(false);
});

it('is released when the work fails', async () => {
  const failing = withLock(path, async () => {
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(existsSync(path)).toBe(false);
});
