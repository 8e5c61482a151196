import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder with the project's package.json, from sources and from dist/ alike. */
export function checkoutRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!isRoot(folder)) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error('The package.json of Atelier was not found above the running file.');
    folder = parent;
  }
  return folder;
}

export function readVersion(root = checkoutRoot()): string {
  return readPackage(root).version ?? '0.0.0';
}

function isRoot(folder: string): boolean {
  return existsSync(join(folder, 'package.json')) && readPackage(folder).name === 'atelier';
}

function readPackage(folder: string): { name?: string; version?: string } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name?: string;
    version?: string;
  };
}
