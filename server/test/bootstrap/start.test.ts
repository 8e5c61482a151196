import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';

/* Real starts of this very checkout. */

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SETUP_MS = 10 * 60_000;

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function run(entry: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [join(ROOT, 'server', 'bootstrap', entry), ...args], {
    cwd: tmpdir(),
  });
  const ended = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (ended.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (ended.stderr += chunk.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...ended })));
}

const stamps = ['node_modules/.atelier-install', 'server/dist/src/.built', 'client/dist/.built'];
const times = (): number[] => stamps.map((path) => statSync(join(ROOT, path)).mtimeMs);
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

beforeAll(async () => {
  // The first start may have something to do.
  const { code, stderr } = await run('start.mjs', ['--version']);
  expect(stderr + String(code)).toMatch(/0$/);
}, SETUP_MS);

it('installs and builds nothing at the second start', async () => {
  const before = times();
  expect(await run('start.mjs', ['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  expect(times()).toEqual(before);
});

it('passes arguments on, to the server and to the command line', async () => {
  expect((await run('start.mjs', ['--help'])).stdout).toContain('--port NUMBER');
  expect((await run('cli.mjs', ['--help'])).stdout).toContain('npx atelier <command>');
  expect(await run('cli.mjs', ['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
});

it('says in one sentence what is wrong with an argument, a port, a folder', async () => {
  const busy = createServer();
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
  const { port } = busy.address() as AddressInfo;
  const folder = mkdtempSync(join(tmpdir(), 'atelier-start-'));
  const folders = ['--data', join(folder, 'data'), '--outputs', join(folder, 'outputs')];
  try {
    for (const [args, words] of [
      [['--port', 'many'], '--port must be a whole number'],
      [['--prot', '1'], "Unknown option '--prot'"],
      [['--host', '0.0.0.0'], '--insecure-open'],
      [['--port', String(port), ...folders], String(port)],
      [['--port', '0', '--data', '/dev/null/data', '--outputs', join(folder, 'outputs')], '/dev/null/data'],
    ] as const) {
      const { code, stderr } = await run('start.mjs', args);
      expect(code).not.toBe(0);
      expect(stderr).toContain(words);
      expect(stderr).not.toMatch(/^ {4}at /m);
      expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
    }
  } finally {
    busy.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
