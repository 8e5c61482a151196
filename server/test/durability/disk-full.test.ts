import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Home, type ServerProcess } from './server-process.ts';

/** Runs a program with a file system of its own, of one MiB, over a folder. */
const withSmallDisk = (folder: string): string[] => {
  const script = 'mount -t tmpfs -o size=1m tmpfs "$1" && shift && exec "$@"';
  return ['unshare', '--map-root-user', '--mount', 'sh', '-c', script, 'sh', folder];
};
const canMount = ((): boolean => {
  const [program = '', ...argv] = [...withSmallDisk('/mnt'), 'true'];
  return spawnSync(program, argv).status === 0;
})();

let home: Home;
beforeEach(() => void (home = new Home()));
afterEach(() => home.clear());

describe.skipIf(!canMount)('on a disk of one MiB', () => {
  /** @returns the server, and the small disk as it sees it. */
  async function start(
    what: 'outputs' | 'data',
    options: Record<string, number> = {},
  ): Promise<{ server: ServerProcess; disk: string }> {
    const folder = join(home.folder, what);
    mkdirSync(folder, { recursive: true });
    const server = await home.start({ options, through: withSmallDisk(folder) });
    return { server, disk: join('/proc', String(server.pid), 'root', folder) };
  }

  function fill(disk: string): void {
    for (let size = 2 ** 19; size >= 1024; size /= 2) {
      try {
        for (let i = 0; ; i += 1) writeFileSync(join(disk, `filler-${size}-${i}`), Buffer.alloc(size));
      } catch {
        // No room for this size any more; smaller ones may still fit.
      }
    }
  }
  const makeRoom = (disk: string): void => {
    for (const name of readdirSync(disk)) if (name.startsWith('filler')) rmSync(join(disk, name));
  };
  const pngs = (disk: string): string[] =>
    readdirSync(disk, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.png'));

  test('a picture that does not fit fails its job, leaves nothing behind, and the server goes on', async () => {
    const { server, disk } = await start('outputs');
    const before = await server.end((await server.submit({})).id);
    fill(disk);
    const failed = await server.end((await server.submit({ batchCount: 3 })).id);
    expect(failed).toMatchObject({ state: 'failed', images: [], failure: { type: 'insufficient-storage' } });
    expect(pngs(disk)).toEqual(before.images.map(({ name }) => name));

    makeRoom(disk);
    const after = await server.end((await server.submit({ batchCount: 3 })).id);
    expect(after).toMatchObject({ state: 'succeeded' });
    expect(pngs(disk).sort()).toEqual((await server.images()).map(({ name }) => name).sort());
    expect(await server.pictures(after.id)).toHaveLength(3);
  });

  test('a job that cannot be stored is refused, and one that can be is drawn', async () => {
    const { server, disk } = await start('data');
    fill(disk);
    await expect(server.submit({ seed: 2 })).rejects.toMatchObject({
      problem: { type: 'insufficient-storage' },
    });
    expect((await server.health()).queue).toEqual({ queued: 0, running: 0 });

    makeRoom(disk);
    expect(await server.end((await server.submit({ seed: 3 })).id)).toMatchObject({ state: 'succeeded' });
  });

  test('a job whose end cannot be written down ends once there is room', async () => {
    const { server, disk } = await start('data', { attempts: 1, 'fake-step-ms': 200 });
    const { id } = await server.submit({ steps: 150 });
    await server.until(id, ({ progress }) => progress?.step === 1);
    fill(disk);
    process.kill(await server.workerPid(), 'SIGKILL');
    await server.untilSaid('cannot be written');
    expect((await server.job(id)).state).toBe('running');
    makeRoom(disk);
    expect(await server.end(id)).toMatchObject({ state: 'failed', failure: { type: 'worker-crashed' } });
  });
});
