import { mkdirSync } from 'node:fs';
import { link, mkdir, open, readdir, realpath, rm, unlink } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { faultPoint } from '../storage/fault-points.ts';

/** Where pictures are written before they get their name; within the outputs folder, so on the same file system. */
const DRAFTS = '.drafts';

/** The folder of pictures, and the few things done to it. Names are relative, with `/`. */
export class OutputsFolder {
  readonly root: string;

  /** @param root made if it is not there; may be a link. */
  constructor(root: string) {
    this.root = root;
    mkdirSync(root, { recursive: true });
  }

  path(name: string): string {
    return join(this.root, ...name.split('/'));
  }

  draftPath(id: string): string {
    return join(this.root, DRAFTS, `${id}.png`);
  }

  /** Writes a draft and waits until it is on the disk. */
  async writeDraft(id: string, bytes: Uint8Array): Promise<void> {
    await mkdir(join(this.root, DRAFTS), { recursive: true });
    const file = await open(this.draftPath(id), 'w', 0o644);
    try {
      faultPoint('commit:draft-opened');
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /**
   * Gives a draft its final name and waits until the folder is on the disk.
   * @returns false if the name is taken: nothing is ever replaced. The draft then stays.
   */
  async place(id: string, name: string): Promise<boolean> {
    const target = this.path(name);
    const folder = join(target, '..');
    if ((await mkdir(folder, { recursive: true })) !== undefined) await syncFolder(this.root);
    try {
      await link(this.draftPath(id), target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
    faultPoint('commit:linked');
    await syncFolder(folder);
    return true;
  }

  async removeDraft(id: string): Promise<void> {
    await unlink(this.draftPath(id)).catch((error: unknown) => {
      if (!isAbsent(error)) throw error;
    });
  }

  /** Removes whatever an interrupted write left. */
  async removeDrafts(): Promise<void> {
    await rm(join(this.root, DRAFTS), { recursive: true, force: true });
  }

  /** Names in a folder; none if it is not there. */
  async namesIn(folder: string): Promise<string[]> {
    try {
      return await readdir(this.path(folder));
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
  }

  /** The real path of a file, or null if it is not there or lies outside the folder, as through a link. */
  async locate(name: string): Promise<string | null> {
    try {
      const [root, path] = await Promise.all([realpath(this.root), realpath(this.path(name))]);
      return path.startsWith(root + sep) ? path : null;
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }
}

/** There is no such file, whatever on its path is to blame. */
const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '');

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
