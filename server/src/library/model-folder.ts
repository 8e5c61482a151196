import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundFile } from './found-file.ts';

/** What marks a folder that is one model, as diffusers and optimum save them. */
const MARK = 'model_index.json';
/** A model has some twenty files in a handful of folders. */
const MAX_FILES = 200;

interface ModelFolder {
  file: FoundFile;
  /** Real paths of the folders inside it, to be watched. */
  folders: string[];
}

/**
 * A folder that holds one model in several files, or null if it is an ordinary one.
 * @param path real path of the folder
 * @param fileName below models/checkpoints
 */
export async function modelFolder(path: string, fileName: string): Promise<ModelFolder | null> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  if (!entries.some((entry) => entry.name === MARK && entry.isFile())) return null;
  const folders = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => join(path, name));
  const files = await Promise.all([path, ...folders].map(filesIn));
  const facts = await Promise.all(files.flat().slice(0, MAX_FILES).map(factsOf));
  const known = facts.filter((fact) => fact !== null);
  const file: FoundFile = {
    name: fileName,
    fileName,
    path,
    sizeBytes: known.reduce((sum, { size }) => sum + Number(size), 0),
    modifiedMs: known.reduce((latest, { mtimeMs }) => Math.max(latest, Number(mtimeMs)), 0),
    isFolder: true,
    identity: known.map(identityOf).join(' '),
    problem: null,
  };
  return { file, folders };
}

/** The same text means the same bytes. */
export function identityOf({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs].join('-');
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .sort();
}

async function factsOf(path: string): Promise<BigIntStats | null> {
  const facts = await stat(path, { bigint: true }).catch(() => null); // a broken link, or vanished since
  return facts?.isFile() === true ? facts : null;
}
