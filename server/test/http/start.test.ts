import {
  spawn,
  spawnSync,
  type ChildProcess,
  type SpawnSyncOptions,
  type SpawnSyncReturns,
} from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { built } from '../durability/built.ts';
import { PATIENT } from './patient.ts';
import { get, post } from './send.ts';

/* The real program, started as a person starts it. */

let home: string;
const children: ChildProcess[] = [];
let entry: string;
beforeAll(() => {
  entry = built('src/serve.js');
}, 300_000);
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'atelier-start-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL'); // also where a test failed
  rmSync(home, { recursive: true, force: true });
});

const folders = (): string[] =>
  ['models', 'outputs', 'data'].flatMap((name) => [`--${name}`, join(home, name)]);
const run = (flags: string[], options: SpawnSyncOptions = {}): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, [entry, ...flags], { ...options, encoding: 'utf8', timeout: 60_000 });

/** Somebody whom rights stop: ourselves, or for root `nobody`. Null where nobody may not read this checkout. */
const someone = ((): { uid?: number; gid?: number } | null => {
  if (process.getuid?.() !== 0) return {};
  const nobody = { uid: 65_534, gid: 65_534 };
  const readsThisFile = `require('node:fs').accessSync(${JSON.stringify(fileURLToPath(import.meta.url))})`;
  return spawnSync(process.execPath, ['-e', readsThisFile], { ...nobody, cwd: '/' }).status === 0
    ? nobody
    : null;
})();

describe('a start that cannot be', () => {
  it.each([
    [['--port', 'x'], 2, '--port must be a whole number from 0 to 65535, but "x" was given.\n'],
    [['--nonsense'], 2, "Unknown option '--nonsense': see --help.\n"],
    [['--host', '0.0.0.0'], 2, /--insecure-open/],
    [
      ['--host', '192.0.2.1', '--insecure-open', '--port', '0'],
      1,
      'This machine has no address 192.0.2.1: choose another one with --host, e.g. 127.0.0.1.\n',
    ],
  ])('says why in one sentence: %j', (flags, code, sentence) => {
    const { status, stderr, stdout } = run([...folders(), ...flags]);
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect([status, stdout]).toEqual([code, '']);
    expect(existsSync(join(home, 'data'))).toBe(false);
  });

  it('says that the port is in use, and touches nothing', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const child = spawn(process.execPath, [entry, ...folders(), '--port', String(port)]);
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const [code] = (await once(child, 'close')) as [number];
    other.close();
    expect(said).toBe(`Port ${port} is in use: stop the other program or start with --port ${port + 1}.\n`);
    expect(code).toBe(1);
    for (const name of ['models', 'outputs', 'data']) expect(existsSync(join(home, name)), name).toBe(false);
  });

  it('says which folder cannot be written to', () => {
    // A file in the way stops everyone, also a user whom rights do not.
    writeFileSync(join(home, 'outputs'), '');
    const { status, stderr } = run([...folders(), '--port', '0']);
    expect(stderr).toContain(`The folder ${join(home, 'outputs')} cannot be written to`);
    expect(stderr).toContain('--outputs');
    expect(status).toBe(1);
  });

  it.skipIf(someone === null).each(['outputs', 'data'])('says so without the right to write: %s', (name) => {
    chmodSync(home, 0o755);
    for (const folder of ['models', 'outputs', 'data']) {
      mkdirSync(join(home, folder));
      chmodSync(join(home, folder), folder === name ? 0o555 : 0o777);
    }
    const { status, stderr } = run([...folders(), '--port', '0'], { cwd: home, ...someone });
    expect(stderr).toBe(
      `The folder ${join(home, name)} cannot be written to (EACCES): give yourself the right to, ` +
        `or choose another one with --${name}.\n`,
    );
    expect(status).toBe(1);
  });

  it('says when another server has the data folder', async () => {
    const server = await start();
    const { status, stderr } = run([...folders(), '--port', '0']);
    await server.stop();
    expect(stderr).toContain('Another server is using the data folder');
    expect(status).toBe(1);
  });
});

describe('--help and --version', () => {
  it('answer and end', () => {
    const help = run(['--help']);
    expect([help.status, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toContain('--port NUMBER');
    const version = run(['--version']);
    expect([version.status, version.stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });
});

describe('a started server', () => {
  it('says where it is in one line, serves there, and logs JSON', async () => {
    const server = await start();
    expect((await get(server.url, '/healthz/live')).status).toBe(200);
    expect((await post(server.url, '/api/v1/jobs', { prompt: 'SECRET', width: 7 })).status).toBe(422);
    const { code } = await server.stop();
    expect(code).toBe(0);
    expect(server.stdout()).toBe(`Atelier is ready: ${server.url}\n`);
    const lines = server
      .stderr()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(
      lines.every(({ time, level, msg }) => [time, level, msg].every((value) => typeof value === 'string')),
    ).toBe(true);
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: 'request', path: '/api/v1/jobs', status: 422 }),
    );
    expect(server.stderr()).not.toContain('SECRET');
  });

  it('refuses new jobs while the picture in work may finish', async () => {
    const server = await startBusy();
    server.signal('SIGTERM');
    await expect.poll(async () => (await get(server.url, '/healthz/ready')).status, PATIENT).toBe(503);
    const late = await post(server.url, '/api/v1/jobs', { prompt: 'x' });
    expect(late.json).toMatchObject({ status: 503, type: 'not-ready' });
    expect(Number(late.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('ends at once at a second signal', async () => {
    const server = await startBusy();
    server.signal('SIGTERM');
    await expect.poll(() => server.stderr(), PATIENT).toContain('Stopping.');
    // Again and again: signals that come close together count as one.
    const again = (): boolean => {
      server.signal('SIGTERM');
      return server.isEnded();
    };
    await expect.poll(again, PATIENT).toBe(true);
    expect((await server.stop()).code).not.toBe(0);
  });
});

/** A server in the middle of a picture that takes longer than the grace of a stop. */
async function startBusy(): Promise<Started> {
  const server = await start('--fake-step-ms', '2000');
  const request = { prompt: 'x', steps: 100, width: 64, height: 64 };
  const { location = '' } = (await post(server.url, '/api/v1/jobs', request)).headers;
  // Running is not enough: before the first step nothing is in work yet, and a stop then ends at once by itself.
  const step = async (): Promise<number> => {
    const { progress } = (await get(server.url, location)).json as { progress: { step: number } | null };
    return progress?.step ?? 0;
  };
  await expect.poll(step, PATIENT).toBeGreaterThan(0);
  return server;
}

interface Started {
  url: string;
  stdout(): string;
  stderr(): string;
  signal(signal: NodeJS.Signals): void;
  isEnded(): boolean;
  stop(): Promise<{ code: number | null; signal: string | null }>;
}

async function start(...flags: string[]): Promise<Started> {
  const options = [...folders(), '--port', '0', '--engine', 'fake', '--min-free-mib', '0', ...flags];
  const child = spawn(process.execPath, [entry, ...options]);
  children.push(child);
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
  }));
  await expect.poll(() => said.stdout, PATIENT).toContain('ready: ');
  return {
    url: /ready: (\S+)/.exec(said.stdout)?.[1] ?? '',
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    signal: (signal) => void child.kill(signal),
    isEnded: () => child.exitCode !== null || child.signalCode !== null,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
