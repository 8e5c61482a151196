import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { build, isBuilt } from '../../bootstrap/build.mjs';
import { SetupError } from '../../bootstrap/failure.mjs';
import { agreesWithLock, isInstalled } from '../../bootstrap/install.mjs';

let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'atelier-setup-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** Copies every source into dist/all.txt, by a real process. */
const target = {
  title: 'Joining',
  sources: ['src', 'settings.json'],
  outputs: ['dist/all.txt'],
  command: (cwd: string) => ({
    program: process.execPath,
    args: [
      '-e',
      `const fs = require('fs');
       if (fs.readdirSync('src').includes('bad.txt')) { console.error('bad.txt is wrong'); process.exit(2); }
       fs.mkdirSync('dist', { recursive: true });
       fs.writeFileSync('dist/all.txt', fs.readdirSync('src').join());`,
    ],
    cwd,
  }),
};

describe('building', () => {
  beforeEach(() => {
    write('src/a.txt', 'a');
    write('settings.json', '{}');
  });

  it('is due until it was done, and not again', async () => {
    expect(isBuilt(root, target)).toBe(false);
    await build(root, target);
    expect(isBuilt(root, target)).toBe(true);
  });

  it.each<[string, () => void]>([
    ['a source changes', () => write('src/a.txt', 'longer')],
    ['a source is touched', () => utimesSync(join(root, 'src/a.txt'), 1, 1)],
    ['a source appears', () => write('src/deep/b.txt', 'b')],
    ['a source vanishes', () => rmSync(join(root, 'settings.json'))],
    ['an output is gone', () => rmSync(join(root, 'dist/all.txt'))],
    ['all outputs are gone', () => rmSync(join(root, 'dist'), { recursive: true })],
  ])('is due again when %s', async (_, change) => {
    await build(root, target);
    change();
    expect(isBuilt(root, target)).toBe(false);
  });

  it('does not look at tests, nor into dist and node_modules', async () => {
    await build(root, target);
    write('src/node_modules/x/index.js', '');
    write('src/dist/x.js', '');
    write('src/test/x.js', '');
    write('src/a.test.ts', '');
    expect(isBuilt(root, target)).toBe(true);
  });

  it('shows what the compiler said, and stays due', async () => {
    write('src/bad.txt', '');
    const failure = await build(root, target).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SetupError);
    expect((failure as SetupError).output).toContain('bad.txt is wrong');
    expect(isBuilt(root, target)).toBe(false);
  });
});

describe('installed packages', () => {
  const packages = (zod: string): string =>
    JSON.stringify({
      packages: {
        '': { name: 'atelier' },
        server: { version: '0.1.0' },
        'node_modules/@atelier/server': { link: true, resolved: 'server' },
        'node_modules/zod': { version: zod },
        'node_modules/other-system': { version: '1.0.0', optional: true },
      },
    });
  const installed = (zod: string): string =>
    JSON.stringify({ packages: { 'node_modules/zod': { version: zod } } });

  it('agree with the lock file if every version is the same, other systems aside', () => {
    write('package-lock.json', packages('4.6.7'));
    write('node_modules/.package-lock.json', installed('4.6.7'));
    expect(agreesWithLock(root)).toBe(true);
  });

  it.each<[string, () => void]>([
    ['another version', () => write('node_modules/.package-lock.json', installed('4.6.6'))],
    ['a package is missing', () => write('node_modules/.package-lock.json', '{"packages":{}}')],
    ['nothing is installed', () => rmSync(join(root, 'node_modules'), { recursive: true })],
    ['the record is damaged', () => write('node_modules/.package-lock.json', '{"pack')],
  ])('do not agree: %s', (_, change) => {
    write('package-lock.json', packages('4.6.7'));
    write('node_modules/.package-lock.json', installed('4.6.7'));
    change();
    expect(agreesWithLock(root)).toBe(false);
  });

  it('count as installed only under the stamp of this lock file and this Node', () => {
    write('package-lock.json', packages('4.6.7'));
    expect(isInstalled(root)).toBe(false);
    write('node_modules/.atelier-install', 'another lock, another Node');
    expect(isInstalled(root)).toBe(false);
  });
});
