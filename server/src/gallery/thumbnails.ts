import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** Longest side, pixels. */
const SIDE = 320;

// Thumbnails are small and rare: one thread each and no cache of decoded pictures keep the server's memory flat.
sharp.concurrency(1);
sharp.cache(false);

/** Small WebP copies of pictures, made when first asked for and kept in the data folder under the picture's hash. */
export class Thumbnails {
  readonly #folder: string;
  readonly #underway = new Map<string, Promise<void>>();

  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'thumbnails');
  }

  /** @returns path and size of the thumbnail of the picture in `file` whose SHA-256 is `sha256`. */
  async of(file: string, sha256: string): Promise<{ path: string; sizeBytes: number }> {
    const path = join(this.#folder, sha256.slice(0, 2), `${sha256}.webp`);
    const known = await sizeOf(path);
    if (known !== null) return { path, sizeBytes: known };
    const making = this.#underway.get(path) ?? make(file, path).finally(() => this.#underway.delete(path));
    this.#underway.set(path, making);
    await making;
    return { path, sizeBytes: (await stat(path)).size };
  }
}

async function make(file: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await sharp(file)
      .resize({ width: SIDE, height: SIDE, fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 80 })
      .toFile(draft);
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Null if it is not there; an empty file, left by a full disk, does not count. */
async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size || null;
  } catch {
    return null; // made anew, whatever the reason was
  }
}
