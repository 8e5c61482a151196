import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import type { ModelProblem } from '@atelier/contract';
import type { FoundFile } from './found-file.ts';
import { identityOf, modelFolder } from './model-folder.ts';

/** Suffixes that people give to weights. They decide what is listed, not what a file is: that is its content's to say. */
const SUFFIX = /\.(?:safetensors|ckpt|pt|pth|bin|gguf|onnx)$/i;
/** Bounds on a folder that was chosen by mistake, such as a whole home folder. */
const MAX_DEPTH = 16;
const MAX_FILES = 10_000;

/**
 * Finds what may be a checkpoint in a folder and the folders inside it. The folder may itself be a link; links inside
 * are followed as long as they stay inside, and else listed with their problem. A folder that is not there is empty.
 */
export async function scanFolder(root: string): Promise<Scan> {
  const realRoot = await realpath(root).catch(() => null);
  if (realRoot === null) return { files: [], folders: [] };
  const walk: Walk = { realRoot, visited: new Set([realRoot]), found: [] };
  await walkFolder(walk, realRoot, '', 0);
  const files = distinctNames(walk.found).sort((a, b) => a.name.localeCompare(b.name, 'en'));
  return { files, folders: [...walk.visited] };
}

interface Scan {
  files: FoundFile[];
  /** Real paths of the folder and all folders inside it. */
  folders: string[];
}

interface Walk {
  realRoot: string;
  /** Real folders seen, so that links in a circle end. */
  visited: Set<string>;
  found: FoundFile[];
}

async function walkFolder(walk: Walk, folder: string, below: string, depth: number): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (entry.name.startsWith('.') || walk.found.length >= MAX_FILES) continue;
    await visit(walk, entry, join(folder, entry.name), posix.join(below, entry.name), depth);
  }
}

async function visit(
  walk: Walk,
  entry: Dirent,
  path: string,
  fileName: string,
  depth: number,
): Promise<void> {
  const isLink = entry.isSymbolicLink();
  if (!isLink && !entry.isDirectory() && !SUFFIX.test(fileName)) return;
  const real = isLink ? await realpath(path).catch(() => null) : path;
  const listed = SUFFIX.test(fileName);
  if (real === null) {
    if (listed) walk.found.push(unusable(fileName, BROKEN_LINK));
    return;
  }
  const facts = await stat(real, { bigint: true }).catch(() => null);
  if (facts === null) return; // vanished since the folder was read
  if (isLink && !isInside(walk.realRoot, real)) {
    if (listed || facts.isDirectory()) walk.found.push(unusable(fileName, OUTSIDE));
    return;
  }
  if (facts.isDirectory()) {
    if (depth >= MAX_DEPTH || walk.visited.has(real)) return;
    walk.visited.add(real);
    const model = await modelFolder(real, fileName);
    if (model === null) return walkFolder(walk, real, fileName, depth + 1);
    for (const folder of model.folders) walk.visited.add(folder);
    walk.found.push(model.file);
  } else if (facts.isFile() && listed) {
    walk.found.push({
      name: withoutSuffix(fileName),
      fileName,
      path: real,
      sizeBytes: Number(facts.size),
      modifiedMs: Number(facts.mtimeMs),
      isFolder: false,
      identity: identityOf(facts),
      problem: null,
    });
  }
}

const isInside = (root: string, path: string): boolean =>
  path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);

export const withoutSuffix = (fileName: string): string => fileName.replace(SUFFIX, '');

const BROKEN_LINK: ModelProblem = {
  type: 'model-not-found',
  detail: 'This is a link, and what it points to is not there.',
  hint: 'Copy the file itself here, or mend the link.',
};
const OUTSIDE: ModelProblem = {
  type: 'model-invalid',
  detail: 'This is a link that leads out of the models folder.',
  hint: 'Copy the file itself here, or start with --models and the folder where it lies.',
};

const unusable = (fileName: string, problem: ModelProblem): FoundFile => ({
  name: withoutSuffix(fileName),
  fileName,
  path: null,
  sizeBytes: 0,
  modifiedMs: 0,
  isFolder: false,
  identity: `${problem.type}:${problem.detail}`,
  problem,
});

/** Of files that differ only in their suffix, the safetensors keeps the short name. */
function distinctNames(found: readonly FoundFile[]): FoundFile[] {
  const owners = new Map<string, FoundFile>();
  for (const file of found) {
    const owner = owners.get(file.name);
    if (owner === undefined || /\.safetensors$/i.test(file.fileName)) owners.set(file.name, file);
  }
  return found.map((file) => (owners.get(file.name) === file ? file : { ...file, name: file.fileName }));
}
