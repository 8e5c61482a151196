import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

const Stored = z.record(z.string().max(200), z.string().regex(/^[0-9a-f]{64}$/));
/** Files that are remembered; the oldest are forgotten first. Their hash can always be computed again. */
const MAX_ENTRIES = 10_000;

/** SHA-256 by file identity, kept over restarts. A cache: losing it costs only time. */
export interface HashStore {
  get(identity: string): string | undefined;
  set(identity: string, sha256: string): Promise<void>;
}

export async function openHashStore(path: string): Promise<HashStore> {
  const hashes = new Map(Object.entries(await load(path)));
  let saving: Promise<void> = Promise.resolve();
  const save = async (): Promise<void> => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(`${path}.tmp`, JSON.stringify(Object.fromEntries(hashes)));
    await rename(`${path}.tmp`, path);
  };
  return {
    get: (identity) => hashes.get(identity),
    set(identity, sha256) {
      hashes.set(identity, sha256);
      for (const oldest of hashes.keys()) {
        if (hashes.size <= MAX_ENTRIES) break;
        hashes.delete(oldest);
      }
      saving = saving.then(save, save);
      return saving;
    },
  };
}

async function load(path: string): Promise<Record<string, string>> {
  try {
    return Stored.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return {}; // not there yet, or damaged: a cache starts anew
  }
}
