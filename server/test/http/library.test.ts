import { copyFile, cp, mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ModelView } from '@atelier/contract';
import { createEvents, type Events } from '../../src/events.ts';
import { createLibrary } from '../../src/library/create-library.ts';
import { startInspector } from '../../src/library/inspector/inspector.ts';
import type { Library } from '../../src/library/library.ts';
import { built } from '../durability/built.ts';
import { writeCheckpoints } from '../fixtures/networks/write-checkpoints.mjs';
import { silent } from './fakes.ts';
import { PATIENT } from './patient.ts';

/** A whole checkpoint and others, made once. */
let fixtures: string;
let good: string;
let home: string;
let folder: string;
let events: Events;
let library: Library | undefined;

beforeAll(async () => {
  built('src/library/inspector/inspector-process.js');
  fixtures = await mkdtemp(join(tmpdir(), 'atelier-checkpoints-'));
  await writeCheckpoints(fixtures);
  good = join(fixtures, 'linear.safetensors');
}, 120_000);
afterAll(() => rm(fixtures, { recursive: true }));

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'atelier-library-'));
  folder = join(home, 'models', 'checkpoints');
  await mkdir(folder, { recursive: true });
  events = createEvents();
});
afterEach(async () => {
  await library?.close();
  library = undefined;
  await rm(home, { recursive: true });
});

function open(): Library {
  const config = { modelsDir: join(home, 'models'), dataDir: join(home, 'data'), engine: 'real' } as const;
  library = createLibrary(
    config,
    events,
    silent,
    startInspector(silent, { entry: built('src/library/inspector/inspector-process.js') }),
  );
  return library;
}
const byName = async (models: Library, name: string): Promise<ModelView | undefined> =>
  (await models.list()).find((view) => view.name === name);
const changed = (): Promise<unknown> => once(events, 'models:changed');

describe('the library', () => {
  it('lists a checkpoint, and its hash once that is known', async () => {
    await mkdir(join(folder, 'größe'));
    await copyFile(good, join(folder, 'größe', '猫.safetensors'));
    const models = open();
    expect(await byName(models, 'größe/猫')).toMatchObject({
      fileName: 'größe/猫.safetensors',
      title: '猫',
      family: 'sd1',
      sizeBytes: readFileSync(good).length,
      problem: null,
    });
    const sha256 = createHash('sha256').update(readFileSync(good)).digest('hex');
    expect(await models.shortHash('größe/猫')).toBe(sha256.slice(0, 10));
    await models.close();
    const kept = JSON.parse(readFileSync(join(home, 'data', 'model-hashes.json'), 'utf8')) as Record<
      string,
      string
    >;
    expect(Object.values(kept)).toEqual([sha256]);
  });

  it('lists every broken file with its reason, and nothing else is disturbed', async () => {
    await copyFile(good, join(folder, 'good.safetensors'));
    await copyFile(good, join(folder, 'cut.safetensors'));
    await truncate(join(folder, 'cut.safetensors'), 100_000);
    const header = Buffer.from('{"a":{"dtype":"F32","shape":[100],"data_offsets":[0,400]}}');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const files: Record<string, string | Buffer> = {
      'lying-shape': Buffer.concat([
        length,
        Buffer.from(header.toString().replace('[100]', '[999]')),
        Buffer.alloc(400),
      ]),
      'lying-length': Buffer.concat([Buffer.from('ffffffffffffff7f', 'hex'), Buffer.from('{}')]),
      'not-a-model': Buffer.concat([length, header, Buffer.alloc(400)]),
      noise: createHash('sha512').update('noise').digest(),
      empty: '',
      pointer: 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n',
      page: '<!DOCTYPE html><html><body>Log in</body></html>',
      text: 'hello',
    };
    for (const [name, content] of Object.entries(files))
      await writeFile(join(folder, `${name}.safetensors`), content);
    await symlink('/etc/hostname', join(folder, 'outside.safetensors'));
    const models = open();
    const problems = new Map((await models.list()).map(({ name, problem }) => [name, problem]));
    expect([...problems.keys()].sort()).toEqual([...Object.keys(files), 'cut', 'good', 'outside'].sort());
    expect(problems.get('good')).toBeNull();
    problems.delete('good');
    for (const [name, problem] of problems) {
      expect(problem?.type, name).toBe('model-invalid');
      expect(problem?.detail, name).toMatch(/\w{4}/);
      expect(JSON.stringify(problem), name).not.toContain(home);
      await expect(models.resolve(name)).rejects.toMatchObject({ type: 'model-invalid' });
    }
    expect(problems.get('cut')?.detail).toMatch(/should have \d+ bytes and has 100000/);
    expect(problems.get('pointer')?.detail).toContain('git-LFS');
    expect(problems.get('page')?.detail).toContain('web page');
    expect((await models.resolve()).view.name).toBe('good');
  });

  it('notices what comes, changes and goes', async () => {
    const models = open();
    expect(await models.list()).toEqual([]);
    const came = changed();
    await copyFile(good, join(folder, 'a.safetensors'));
    await came;
    await expect.poll(async () => (await byName(models, 'a'))?.problem, PATIENT).toBeNull();
    await truncate(join(folder, 'a.safetensors'), 1000);
    expect((await byName(models, 'a'))?.problem?.detail).toContain('1000');
    const went = changed();
    await rm(join(folder, 'a.safetensors'));
    await went;
    expect(await models.list()).toEqual([]);
    await expect(models.resolve('a')).rejects.toMatchObject({ type: 'model-not-found' });
  });

  it('does not offer a file while it grows, and offers it when it is whole', async () => {
    const bytes = readFileSync(good);
    const path = join(folder, 'slow.safetensors');
    await writeFile(path, bytes.subarray(0, bytes.length / 2));
    const models = open();
    const half = await byName(models, 'slow');
    expect(half?.problem?.detail).toContain('still being copied');
    await writeFile(path, bytes.subarray(bytes.length / 2), { flag: 'a' });
    expect(await byName(models, 'slow')).toMatchObject({ problem: null, family: 'sd1' });
  });

  it('sees files that are moved in with a folder', async () => {
    const models = open();
    await models.list();
    await mkdir(join(home, 'elsewhere'));
    await cp(good, join(home, 'elsewhere', 'a.safetensors'));
    const came = changed();
    await rename(join(home, 'elsewhere'), join(folder, 'moved'));
    await came;
    expect((await models.list()).map(({ name }) => name)).toEqual(['moved/a']);
  });

  it('makes the folder where there is none', async () => {
    await rm(join(home, 'models'), { recursive: true });
    const models = open();
    expect(await models.list()).toEqual([]);
    await expect.poll(() => existsSync(folder), PATIENT).toBe(true);
    await expect(models.resolve()).rejects.toMatchObject({ type: 'model-not-found' });
  });

  it('offers test pictures without weights with the fake engine', async () => {
    library = createLibrary(
      { modelsDir: join(home, 'models'), dataDir: join(home, 'data'), engine: 'fake' },
      events,
      silent,
    );
    expect((await library.resolve()).view).toMatchObject({ name: 'fake', problem: null });
    expect(await library.shortHash('fake')).toBeNull();
  });
});

describe('the inspector', () => {
  const script = async (code: string): Promise<string> => {
    const path = join(home, 'reader.mjs');
    await writeFile(path, code);
    return path;
  };

  it.each([
    ['dies by itself', 'process.exit(3)'],
    ['is killed', "process.kill(process.pid, 'SIGKILL')"],
    ['crashes', 'setTimeout(() => { throw new Error() })'],
  ])('that %s over a file makes that a problem of the file', async (_how, deed) => {
    const entry = await script(`process.on('message', ({ id, path }) => {
      if (path.includes('bad')) ${deed};
      else process.send({ id, answer: { sha256: 'fine' } });
    }); process.on('disconnect', () => process.exit());`);
    const inspector = startInspector(silent, { entry });
    const [before, bad, after] = await Promise.all(['a', 'bad', 'b'].map((path) => inspector.inspect(path)));
    await inspector.close();
    expect(before).toEqual({ sha256: 'fine' });
    expect(bad).toMatchObject({
      problem: { type: 'model-invalid', detail: expect.stringContaining('ended the process') },
    });
    expect(after).toEqual({ sha256: 'fine' });
  });

  it('that hangs is ended, and the next file has another', async () => {
    const entry = await script(`process.on('message', ({ id, path }) => {
      if (path.includes('bad')) for (;;);
      process.send({ id, answer: { sha256: 'fine' } });
    }); process.on('disconnect', () => process.exit());`);
    const inspector = startInspector(silent, { entry, inspectMs: 1500 });
    const [bad, after] = await Promise.all(['bad', 'b'].map((path) => inspector.inspect(path)));
    await inspector.close();
    expect(bad).toMatchObject({ problem: { detail: expect.stringContaining('too long') } });
    expect(after).toEqual({ sha256: 'fine' });
  });

  it('that cannot be started is a problem of the file, not of the server', async () => {
    const inspector = startInspector(silent, { entry: join(home, 'nothing.mjs') });
    expect(await inspector.inspect('a')).toMatchObject({ problem: { type: 'model-invalid' } });
    await inspector.close();
  });

  it('ends when it has nothing to do, and is started again', async () => {
    const entry =
      await script(`process.on('message', ({ id }) => process.send({ id, answer: { sha256: String(process.pid) } }));
      process.on('disconnect', () => process.exit());`);
    const inspector = startInspector(silent, { entry, idleMs: 20 });
    const first = await inspector.hash('a', 1);
    await expect.poll(() => isAlive(Number(first)), PATIENT).toBe(false);
    const second = await inspector.hash('a', 1);
    await inspector.close();
    expect(second).not.toBe(first);
  });

  it('ends when the server is killed', async () => {
    const entry = built('src/library/inspector/inspector-process.js');
    const code = `import { fork } from 'node:child_process';
      const child = fork(${JSON.stringify(entry)}, { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
      child.send({ id: 1, task: 'inspect', path: '/nowhere' });
      child.on('message', () => console.log(child.pid));`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(said.toString());
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(() => isAlive(pid), PATIENT).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
