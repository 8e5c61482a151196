import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { EngineError } from '../errors.ts';
import { unreadable } from './file-identity.ts';

/** A model's folder has a few dozen entries. */
const MAX_ENTRIES = 10_000;

/**
 * The files of one model's folder. What is named inside a model is foreign, so every path is resolved, links too, and has
 * to end inside the folder. The one exception is the download cache of huggingface_hub, whose `snapshots/<revision>/` is
 * made of links into the `blobs/` beside it.
 */
export class FolderFiles {
  /** Real path. */
  readonly path: string;
  readonly name: string;
  readonly #roots: readonly string[];

  private constructor(path: string) {
    this.path = path;
    this.name = basename(path);
    const isSnapshot = basename(dirname(path)) === 'snapshots';
    this.#roots = isSnapshot ? [path, join(dirname(dirname(path)), 'blobs')] : [path];
  }

  /** @throws EngineError `model-not-found`, or `model-invalid` if it is no folder. */
  static async open(path: string): Promise<FolderFiles> {
    const real = await realpath(path).catch((cause: unknown) => {
      throw unreadable(path, cause);
    });
    if (!(await stat(real)).isDirectory()) {
      throw new EngineError('model-invalid', `"${basename(real)}" is not a folder.`, {
        hint: 'Choose the folder of a diffusers or ONNX model.',
      });
    }
    return new FolderFiles(real);
  }

  /** Names in a folder of the model, sorted; none if there is no such folder. */
  async list(folder = ''): Promise<string[]> {
    const path = await this.find(folder);
    if (path === null) return [];
    const names = await readdir(path).catch((cause: unknown) => {
      if ((cause as NodeJS.ErrnoException).code === 'ENOTDIR') return [];
      throw unreadable(path, cause);
    });
    if (names.length > MAX_ENTRIES) {
      throw new EngineError(
        'model-invalid',
        `"${this.name}" has a folder of ${names.length} entries; a model's has at most ${MAX_ENTRIES}.`,
        { hint: 'Choose the folder of one model.' },
      );
    }
    return names.sort();
  }

  /**
   * Real path of an entry, or null if there is none.
   * @param inside path from the model's folder, with `/`; foreign text is checked here.
   * @throws EngineError `model-invalid` if it is or leads outside of the folder.
   */
  async find(inside: string): Promise<string | null> {
    const hasOddity = ['\\', ':', '\0', '//'].some((character) => inside.includes(character));
    const isPlain = !hasOddity && !inside.split('/').includes('..') && !isAbsolute(inside);
    if (!isPlain) throw this.#outside(inside);
    const real = await realpath(join(this.path, inside)).catch((cause: unknown) => {
      const code = (cause as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return null;
      throw unreadable(inside, cause);
    });
    if (real !== null && !this.#roots.some((root) => isInside(root, real))) throw this.#outside(inside);
    return real;
  }

  /** As `find`, for what has to be there. @throws EngineError `model-invalid` if it is not. */
  async require(inside: string): Promise<string> {
    const path = await this.find(inside);
    if (path !== null) return path;
    throw new EngineError('model-invalid', `"${this.name}" lacks the file ${JSON.stringify(inside)}.`, {
      hint: 'The download did not finish; download the folder again.',
    });
  }

  #outside(inside: string): EngineError {
    const shown = inside.length > 100 ? `${inside.slice(0, 100)}…` : inside;
    return new EngineError(
      'model-invalid',
      `"${this.name}" names ${isAbsolute(inside) ? 'a file' : JSON.stringify(shown)} that is not inside its folder.`,
      { hint: 'Put the files of the model into its folder, without links that lead out of it.' },
    );
  }
}

function isInside(root: string, path: string): boolean {
  const from = relative(root, path);
  return from !== '..' && !from.startsWith(`..${sep}`) && !isAbsolute(from);
}
