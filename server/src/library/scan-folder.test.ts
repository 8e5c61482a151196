import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scanFolder } from './scan-folder.ts';

let root: string;
let outside: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'atelier-scan-'));
  outside = await mkdtemp(join(tmpdir(), 'atelier-outside-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
  await rm(outside, { recursive: true });
});

const put = async (path: string, text = 'x', folder = root): Promise<void> => {
  await mkdir(join(folder, path, '..'), { recursive: true });
  await writeFile(join(folder, path), text);
};
const names = async (folder = root): Promise<string[]> =>
  (await scanFolder(folder)).files.map(({ name }) => name);

describe('scanFolder', () => {
  it('lists weights in subfolders by path without suffix, and nothing else', async () => {
    for (const file of ['b.safetensors', 'A.CKPT', 'anime/größe 猫.safetensors', 'anime/v1.5.safetensors'])
      await put(file);
    for (const file of [
      'readme.md',
      '.hidden.safetensors',
      '.git/x.safetensors',
      'b.png',
      'c.safetensors.part',
    ])
      await put(file);
    expect(await names()).toEqual(['A', 'anime/größe 猫', 'anime/v1.5', 'b']);
  });

  it('lists a folder with a model index as one model, which changes with any of its files', async () => {
    for (const file of ['model_index.json', 'unet/a.safetensors', 'vae/b.safetensors'])
      await put(`sd/${file}`);
    await put('sd-parts/unet/a.safetensors'); // an ordinary folder
    const { files, folders } = await scanFolder(root);
    expect(files).toMatchObject([
      { name: 'sd', path: join(root, 'sd'), isFolder: true, sizeBytes: 3, problem: null },
      { name: 'sd-parts/unet/a', isFolder: false },
    ]);
    expect(folders).toEqual(expect.arrayContaining([join(root, 'sd'), join(root, 'sd', 'unet')]));
    await put('sd/vae/b.safetensors', 'xy');
    expect((await scanFolder(root)).files[0]?.identity).not.toBe(files[0]?.identity);
  });

  it('is empty for a folder that is not there', async () => {
    expect(await scanFolder(join(root, 'nowhere'))).toEqual({ files: [], folders: [] });
  });

  it('follows the folder itself where it is a link', async () => {
    await put('a.safetensors', 'x', outside);
    await symlink(outside, join(root, 'link'));
    const { files, folders } = await scanFolder(join(root, 'link'));
    expect(files).toMatchObject([{ name: 'a', path: join(outside, 'a.safetensors'), problem: null }]);
    expect(folders).toEqual([outside]);
  });

  it('follows links that stay inside', async () => {
    await put('sub/a.safetensors');
    await symlink('sub/a.safetensors', join(root, 'b.safetensors'));
    const { files } = await scanFolder(root);
    expect(files).toMatchObject([
      { name: 'b', path: join(root, 'sub', 'a.safetensors'), problem: null },
      { name: 'sub/a', problem: null },
    ]);
  });

  it('lists links that lead out, or nowhere, with their problem and no path', async () => {
    await put('a.safetensors', 'x', outside);
    await symlink(join(outside, 'a.safetensors'), join(root, 'file.safetensors'));
    await symlink(outside, join(root, 'folder'));
    await symlink(join(outside, 'gone'), join(root, 'broken.safetensors'));
    await symlink(join(outside, 'note.txt'), join(root, 'note.txt'));
    const { files } = await scanFolder(root);
    expect(files.map(({ name, path, problem }) => [name, path, problem?.type])).toEqual([
      ['broken', null, 'model-not-found'],
      ['file', null, 'model-invalid'],
      ['folder', null, 'model-invalid'],
    ]);
  });

  it('does not take a neighbour with a longer name for the folder', async () => {
    const neighbour = `${root}-more`;
    await put('a.safetensors', 'x', neighbour);
    await symlink(join(neighbour, 'a.safetensors'), join(root, 'a.safetensors'));
    const { files } = await scanFolder(root);
    await rm(neighbour, { recursive: true });
    expect(files[0]?.path).toBeNull();
  });

  it('ends where links run in a circle', async () => {
    await put('sub/a.safetensors');
    await symlink('..', join(root, 'sub', 'up'));
    await symlink('.', join(root, 'self'));
    expect(await names()).toEqual(['sub/a']);
  });

  it('tells files apart that differ in their suffix only', async () => {
    for (const file of ['a.ckpt', 'a.safetensors', 'b.ckpt', 'b.pt']) await put(file);
    expect(await names()).toEqual(['a', 'a.ckpt', 'b', 'b.pt']);
  });

  it('gives another identity to another file, and the same to the same', async () => {
    await put('a.safetensors', 'one');
    const identity = async (): Promise<string | undefined> => (await scanFolder(root)).files[0]?.identity;
    const first = await identity();
    expect(await identity()).toBe(first);
    await put('a.safetensors', 'three');
    expect(await identity()).not.toBe(first);
  });
});
