import { leadingNumber, pictureFileName } from './file-name.ts';
import { lastNameIn } from '../storage/images-table.ts';
import type { Storage } from '../storage/open-storage.ts';
import type { OutputsFolder } from './outputs-folder.ts';

/** Hands out names within the folders of days, each number higher than any that is there. */
export class PictureNumbers {
  readonly #storage: Storage;
  readonly #outputs: OutputsFolder;
  #folder = '';
  #last = 0;

  constructor(storage: Storage, outputs: OutputsFolder) {
    this.#storage = storage;
    this.#outputs = outputs;
  }

  /** @returns a name below the outputs folder that nobody has, as far as is known now. */
  async next(folder: string, seed: number, prompt: string): Promise<string> {
    if (folder !== this.#folder) {
      // Rows too: a picture whose file is gone keeps its name.
      const listed = await lastNameIn(this.#storage.db, folder);
      const names = [...(await this.#outputs.namesIn(folder)), listed?.slice(folder.length + 1) ?? ''];
      const numbers = names.map((name) => leadingNumber(name) ?? 0);
      this.#last = numbers.reduce((a, b) => Math.max(a, b), 0);
      this.#folder = folder;
    }
    this.#last += 1;
    return `${folder}/${pictureFileName(this.#last, seed, prompt)}`;
  }

  /** Somebody else writes there too: look again before the next name. */
  forget(): void {
    this.#folder = '';
  }
}
