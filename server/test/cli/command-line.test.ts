import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeCheckpoint } from '../../../bench/full-size-checkpoint.mjs';
import { sd1Layout } from '../../../bench/layouts.mjs';
import { built } from '../durability/built.ts';

/* The command line as a real process, on a tiny checkpoint with made-up weights. */

const TINY = {
  text: { width: 32, layers: 1, vocabulary: 49408 },
  unet: { channels: [32, 64], resBlocks: 1, depths: [1, 1], middleDepth: 1, hasLinearProjections: false },
  vae: { channels: [32, 32, 32, 32], resBlocks: 1 },
};
const small = ['--size', '64x64', '--steps', '3', '--model', 'tiny'];

let main = '';
let folder = '';
beforeAll(async () => {
  main = built('src/cli/main.js');
  folder = mkdtempSync(join(tmpdir(), 'atelier-command-line-'));
  mkdirSync(join(folder, 'models', 'checkpoints'), { recursive: true });
  await writeCheckpoint(join(folder, 'models/checkpoints/tiny.safetensors'), sd1Layout(TINY), {
    dtype: 'F16',
  });
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(...args: string[]): ChildProcess {
  const env = { ...process.env, ATELIER_MODELS: join(folder, 'models'), ATELIER_DATA: join(folder, 'data') };
  return spawn(process.execPath, [main, ...args], { cwd: folder, env });
}

async function run(...args: string[]): Promise<{ code: number; stdout: Buffer; stderr: string }> {
  const child = start(...args);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() };
}

it('draws the same bytes for the same seed, and others for another', async () => {
  const first = await run('generate', 'a red apple', ...small, '--seed', '7', '-o', 'first.png');
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout.toString()).toMatch(/^first\.png \(seed 7, [\d.]+ s\)\n$/);
  const again = await run('generate', 'a red apple', ...small, '--seed', '7', '-o', '-');
  expect(again.stdout.equals(readFileSync(join(folder, 'first.png')))).toBe(true);
  const other = await run('generate', 'a red apple', ...small, '--seed', '8', '-o', '-');
  expect(other.stdout.subarray(1, 4).toString()).toBe('PNG');
  expect(other.stdout.equals(again.stdout)).toBe(false);
});

it('writes the settings into the picture', async () => {
  const sampling = ['--sampler', 'euler', '--scheduler', 'karras', '--cfg', '3'];
  const { stdout } = await run(
    'generate',
    'an apple',
    ...small,
    ...sampling,
    '-n',
    'worm',
    '--seed',
    '1',
    '-o',
    '-',
  );
  expect(stdout.toString('latin1')).toMatch(
    /parameters\0an apple\nNegative prompt: worm\nSteps: 3, Sampler: Euler, Schedule type: Karras, CFG scale: 3, Seed: 1, Size: 64x64, Model hash: [0-9a-f]{10}, Model: tiny/,
  );
});

it('takes the path of a checkpoint anywhere', async () => {
  const path = join(folder, 'models/checkpoints/tiny.safetensors');
  const { code, stdout } = await run('generate', 'x', ...small, '--model', path, '--seed', '1', '-o', '-');
  expect(code).toBe(0);
  expect(stdout.toString('latin1')).toContain('Model: tiny');
});

it('numbers several pictures and gives each the next seed', async () => {
  const { stdout } = await run(
    'generate',
    'x',
    ...small,
    '--seed',
    '4294967295',
    '--count',
    '2',
    '-o',
    'many.png',
  );
  expect(stdout.toString()).toMatch(/^many-1\.png \(seed 4294967295, .*\nmany-2\.png \(seed 0, /);
});

it('ends within a step on Ctrl+C, keeping what is done and leaving nothing half done', async () => {
  const child = start(
    'generate',
    'x',
    ...small,
    '--count',
    '100',
    '--steps',
    '20',
    '--seed',
    '1',
    '-o',
    'stopped.png',
  );
  const closed = once(child, 'close');
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  child.kill('SIGINT');
  expect(await closed).toEqual([130, null]);
  const files = readdirSync(folder).filter((name) => name.startsWith('stopped'));
  expect(files).toContain('stopped-1.png');
  expect(files.length).toBeLessThan(100);
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

it('names every wrong setting at once, with exit code 2', async () => {
  const { code, stderr } = await run(
    'generate',
    'x',
    '--size',
    '7x64',
    '--steps',
    '10000',
    '--model',
    'tiny',
  );
  expect(code).toBe(2);
  expect(stderr).toContain('--steps must be at most 150, but 10000 came.');
  expect(stderr).toContain('--size: width must be a multiple of 8');
  expect(stderr).not.toContain('    at ');
});

it('says which models there are, and what is wrong with a file', async () => {
  const unknown = await run('generate', 'x', '--model', 'nope');
  expect(unknown).toMatchObject({ code: 1 });
  expect(unknown.stderr).toContain('Choose one of: tiny.');
  writeFileSync(join(folder, 'page.safetensors'), '<!DOCTYPE html><html>Please log in</html>');
  const broken = await run('generate', 'x', '--model', 'page.safetensors');
  expect(broken).toMatchObject({ code: 1 });
  expect(broken.stderr).toMatch(/page\.safetensors cannot be used: .*web page/s);
  expect(broken.stderr).not.toContain('    at ');
});

it('examines the machine, and fails if something is missing', async () => {
  const outputs = ['--outputs', join(folder, 'outputs'), '--port', '0'];
  const fine = await run('doctor', ...outputs);
  const report = fine.stdout.toString();
  expect(report).toMatch(/^ok {4}onnxruntime .*works/m);
  expect(report).toMatch(/^ok {4}sharp .*libvips/m);
  expect(report).toMatch(/^ok {4}sqlite .*SQLite 3\./m);
  expect(report).toMatch(/^ok {4}checkpoints .*tiny$/m);
  expect(fine.code).toBe(report.includes('FAIL') ? 1 : 0);
  mkdirSync(join(folder, 'empty'));
  const empty = await run('doctor', ...outputs, '--models', join(folder, 'empty'));
  expect(empty.code).toBe(1);
  expect(empty.stdout.toString()).toMatch(/^FAIL {2}checkpoints /m);
  const missing = await run('doctor', ...outputs, '--models', join(folder, 'nothing'));
  expect(missing.code).toBe(1);
  expect(missing.stdout.toString()).toMatch(/^FAIL {2}models .*is not a folder$/m);
});

it('knows its commands', async () => {
  expect((await run()).stdout.toString()).toContain('npx atelier <command>');
  expect((await run('generate', '--help')).stdout.toString()).toContain('--sampler NAME');
  expect(await run('paint')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no command "paint"') as string,
  });
});
