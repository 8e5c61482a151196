import type { ImageView } from '@atelier/contract';
import { randomUUID } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { faultPoint } from '../storage/fault-points.ts';
import {
  dropIntent,
  findPlace,
  insertIntent,
  intents,
  markReady,
  renameIntent,
  type NewImage,
} from '../storage/images-table.ts';
import type { Storage } from '../storage/open-storage.ts';
import type { ImageRow } from '../storage/schema.ts';
import { isStorageShortage, storing } from '../storage/sqlite-errors.ts';
import { insufficientStorage, isShortage } from './disk-space.ts';
import { dayFolder } from './file-name.ts';
import { toImageView } from './image-view.ts';
import type { OutputsFolder } from './outputs-folder.ts';
import { PictureNumbers } from './picture-numbers.ts';
import type { FinishedPicture } from './picture-store.ts';
import { inspectPng, withText } from './png.ts';
import { sha256Of, sha256OfFile } from './sha256.ts';

/** As many as the webui tries. */
const NAMES_TRIED = 500;

/**
 * Keeps pictures so that each is listed exactly once, wherever the process ends: the row is promised (intent), the
 * file is written aside, given its name and synced, and only then the row is listed.
 */
export class Committer {
  readonly #storage: Storage;
  readonly #outputs: OutputsFolder;
  readonly #log: Log;
  readonly #numbers: PictureNumbers;

  constructor(storage: Storage, outputs: OutputsFolder, log: Log) {
    this.#storage = storage;
    this.#outputs = outputs;
    this.#log = log;
    this.#numbers = new PictureNumbers(storage, outputs);
  }

  /** See `PictureStore.commit`. A picture that is already there is answered as it is. */
  async commit(picture: FinishedPicture): Promise<{ image: ImageView; isNew: boolean }> {
    faultPoint('commit:begin');
    const there = await this.#settled(picture.jobId, picture.index);
    if (there !== null) return { image: toImageView(there), isNew: false };
    const { intent, bytes } = await this.#prepare(picture);
    await storing(async () => {
      if (!(await insertIntent(this.#storage.db, intent, picture.claim))) throw staleClaim(picture);
    });
    faultPoint('commit:intent');
    try {
      const placed = await this.#place(intent, bytes, picture);
      const { mtimeMs } = await stat(this.#outputs.path(placed));
      const row = await markReady(this.#storage.db, { id: intent.id, mtimeMs, claim: picture.claim });
      if (row === undefined) throw staleClaim(picture);
      faultPoint('commit:ready');
      return { image: toImageView(row), isNew: true };
    } catch (error) {
      await this.#undo(intent.id);
      throw isShortage(error) || isStorageShortage(error) ? insufficientStorage(error) : error;
    }
  }

  /** Finishes or undoes all that was promised when the server last ended. */
  async settleAll(): Promise<void> {
    for (const intent of await intents(this.#storage.db)) {
      try {
        const row = await this.#settle(intent);
        this.#log.info(
          row === null ? 'An unfinished picture is drawn again.' : 'A finished picture was listed.',
          {
            jobId: intent.job_id,
            index: intent.idx,
          },
        );
      } catch (error) {
        // Tried again when its job reaches this picture.
        this.#log.warn('An unfinished picture could not be settled.', {
          jobId: intent.job_id,
          error,
        });
      }
    }
    await this.#outputs.removeDrafts().catch((error: unknown) => {
      this.#log.warn('Leftovers of unfinished pictures could not be removed.', { error });
    });
  }

  /** The picture at this place of the job, after settling what may have been left there. */
  async #settled(jobId: string, index: number): Promise<ImageRow | null> {
    const row = await findPlace(this.#storage.db, jobId, index);
    if (row === undefined) return null;
    return row.state === 'ready' ? row : this.#settle(row);
  }

  /** The file is there and whole: listed. Else the promise is taken back; a foreign file of that name stays. */
  async #settle(intent: ImageRow): Promise<ImageRow | null> {
    const found = await this.#mtimeIfWhole(intent);
    await this.#outputs.removeDraft(intent.id);
    if (found === null) {
      await dropIntent(this.#storage.db, intent.id);
      return null;
    }
    const row = await markReady(this.#storage.db, { id: intent.id, mtimeMs: found, claim: null });
    return row ?? null;
  }

  async #mtimeIfWhole(intent: ImageRow): Promise<number | null> {
    const path = await this.#outputs.locate(intent.name);
    if (path === null) return null;
    const { size, mtimeMs } = await stat(path);
    if (size !== intent.size_bytes) return null;
    return (await sha256OfFile(path)) === intent.sha256 ? mtimeMs : null;
  }

  async #prepare(picture: FinishedPicture): Promise<{ intent: NewImage; bytes: Buffer }> {
    const { width, height } = inspectPng(picture.png);
    if (width !== picture.width || height !== picture.height) {
      throw new RangeError(
        `Expected ${picture.width}x${picture.height} pixels but the PNG has ${width}x${height}`,
      );
    }
    const now = new Date();
    const bytes = withText(picture.png, 'parameters', picture.parameters);
    const intent: NewImage = {
      id: randomUUID(),
      job_id: picture.jobId,
      idx: picture.index,
      name: await this.#numbers.next(dayFolder(now), picture.seed, picture.prompt),
      size_bytes: bytes.length,
      sha256: await sha256Of(bytes),
      mtime_ms: 0,
      width,
      height,
      seed: picture.seed,
      parameters: picture.parameters,
      created_at: now.toISOString(),
    };
    return { intent, bytes };
  }

  /** @returns the name that was free. */
  async #place(intent: NewImage, bytes: Buffer, picture: FinishedPicture): Promise<string> {
    await this.#outputs.writeDraft(intent.id, bytes);
    faultPoint('commit:written');
    let { name } = intent;
    for (let tries = 1; !(await this.#outputs.place(intent.id, name)); tries += 1) {
      if (tries === NAMES_TRIED) throw new Error(`No free name like ${name} after ${NAMES_TRIED} tries`);
      this.#numbers.forget();
      name = await this.#numbers.next(dayFolder(new Date(intent.created_at)), picture.seed, picture.prompt);
      await renameIntent(this.#storage.db, intent.id, name);
    }
    faultPoint('commit:placed');
    await this.#outputs.removeDraft(intent.id);
    faultPoint('commit:draft-removed');
    return name;
  }

  /** Takes a promise back: file first, then row, so that no picture is left unlisted. */
  async #undo(id: string): Promise<void> {
    try {
      const row = (await intents(this.#storage.db)).find((intent) => intent.id === id);
      if (row === undefined) return;
      // The name is ours only if what lies there is what was promised.
      if ((await this.#mtimeIfWhole(row)) !== null) await rm(this.#outputs.path(row.name), { force: true });
      await this.#outputs.removeDraft(id);
      await dropIntent(this.#storage.db, id);
    } catch (error) {
      // Settled when the picture is drawn again, or at the next start.
      this.#log.warn('An unfinished picture could not be undone yet.', { error });
    }
  }
}

const staleClaim = (picture: FinishedPicture): AppError =>
  new AppError('conflict', {
    detail: `Picture ${picture.index} of job ${picture.jobId} came from a worker that no longer has the job.`,
  });
