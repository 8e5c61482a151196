import { stat } from 'node:fs/promises';
import type { Log } from '../log.ts';
import type { FoundFile } from './found-file.ts';
import type { HashStore } from './hash-store.ts';
import type { Inspector } from './inspector/inspector.ts';

/** Computes hashes of model files one after the other, in the inspector's process. */
interface Hasher {
  /** Queues a file, unless its hash is known or was tried. */
  want(file: FoundFile): void;
  /** SHA-256 if it is known already. */
  known(file: FoundFile): string | undefined;
  /** SHA-256, waited for a little: small files have theirs before their first picture is done. */
  soon(file: FoundFile): Promise<string | undefined>;
  close(): void;
}

const PATIENCE_MS = 15_000;

export function createHasher(
  inspector: Pick<Inspector, 'hash'>,
  opening: Promise<HashStore>,
  log: Log,
  onHash: () => void,
): Hasher {
  const tried = new Set<string>();
  const pending = new Map<string, Promise<void>>();
  let store: HashStore | null = null;
  let tail: Promise<void> = opening.then((opened) => {
    store = opened;
  });
  let isClosed = false;

  const hash = async (file: FoundFile): Promise<void> => {
    if (isClosed || file.path === null || store === null || store.get(file.identity) !== undefined) return;
    const sha256 = await inspector.hash(file.path, file.sizeBytes);
    if (sha256 === null || isClosed || !(await isUnchanged(file))) return;
    await store.set(file.identity, sha256);
  };
  const queue = (file: FoundFile): void => {
    tried.add(file.identity);
    const work = tail
      .then(() => hash(file))
      .catch((error: unknown) =>
        log.warn('A model file could not be hashed.', { file: file.fileName, error }),
      )
      .finally(() => {
        pending.delete(file.identity);
        onHash();
      });
    pending.set(file.identity, work);
    tail = work;
  };
  const known = (file: FoundFile): string | undefined => store?.get(file.identity);

  return {
    known,
    want(file) {
      if (!tried.has(file.identity)) queue(file);
    },
    async soon(file) {
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, PATIENCE_MS);
      });
      await Promise.race([pending.get(file.identity), limit]).finally(() => clearTimeout(timer));
      return known(file);
    },
    close() {
      isClosed = true;
    },
  };
}

async function isUnchanged({ path, identity }: FoundFile): Promise<boolean> {
  const facts = await stat(path ?? '', { bigint: true }).catch(() => null);
  return facts !== null && [facts.dev, facts.ino, facts.size, facts.mtimeNs].join('-') === identity;
}
