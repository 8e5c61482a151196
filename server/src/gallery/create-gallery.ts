import type { ImageList, ImageQuery, ImageView } from '@atelier/contract';
import { stat } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import type { Events } from '../events.ts';
import type { Log } from '../log.ts';
import { faultPoint } from '../storage/fault-points.ts';
import { findImage, imagesOfJobs, listImages } from '../storage/images-table.ts';
import type { Storage } from '../storage/open-storage.ts';
import { readCursor, toPage } from '../storage/page.ts';
import type { ImageRow } from '../storage/schema.ts';
import { Committer } from './committer.ts';
import { FileCheck } from './file-check.ts';
import type { ImageFile } from './gallery.ts';
import { toImageView } from './image-view.ts';
import { OutputsFolder } from './outputs-folder.ts';
import type { PictureStore } from './picture-store.ts';
import { Thumbnails } from './thumbnails.ts';

interface Parts {
  storage: Storage;
  events: Events;
  log: Log;
  /** Made if it is not there. */
  outputsDir: string;
}

/** Rows checked at a time in the background. */
const CHECK_PAGE = 100;

/** The pictures: rows in `storage`, files below `outputsDir`. Call `start` before use. */
export function createGallery({ storage, events, log, outputsDir }: Parts): PictureStore {
  const outputs = new OutputsFolder(outputsDir);
  const committer = new Committer(storage, outputs, log);
  const files = new FileCheck(storage, outputs);
  const thumbnails = new Thumbnails(storage.dataDir);
  let checking: Promise<void> = Promise.resolve();
  let isClosed = false;

  async function rowOf(id: string): Promise<ImageRow> {
    const row = await findImage(storage.db, id);
    if (row === undefined)
      throw new AppError('not-found', { detail: `There is no picture with the id ${id}.` });
    return row;
  }

  async function wholeFile(row: ImageRow): Promise<string> {
    const path = await files.whole(row);
    if (path !== null) return path;
    throw new AppError('gone', {
      detail: `The file ${row.name} of this picture is missing or was changed.`,
      hint: 'Put the file back into the outputs folder; it is then shown again.',
    });
  }

  async function checkAll(): Promise<void> {
    let flagged = 0;
    for (let below: number | null = null; !isClosed;) {
      const rows: ImageRow[] = await listImages(storage.db, CHECK_PAGE, below);
      for (const row of rows) {
        if (isClosed) return;
        if ((await files.whole(row)) === null) flagged += 1;
      }
      if (rows.length < CHECK_PAGE) break;
      below = rows.at(-1)?.number ?? null;
    }
    if (flagged > 0) log.warn('Pictures are missing or damaged in the outputs folder.', { count: flagged });
  }

  return {
    async start() {
      await committer.settleAll();
      checking = checkAll().catch((error: unknown) => {
        log.warn('The pictures could not all be checked.', { error });
      });
    },

    async close() {
      isClosed = true;
      await checking;
    },

    async commit(picture) {
      const { image, isNew } = await committer.commit(picture);
      if (isNew) events.emit('image:added', image);
      faultPoint('commit:announced');
      return image;
    },

    async ofJobs(jobIds) {
      const byJob = new Map<string, ImageView[]>(jobIds.map((id) => [id, []]));
      for (const row of await imagesOfJobs(storage.db, jobIds)) byJob.get(row.job_id)?.push(toImageView(row));
      return byJob;
    },

    async find(id) {
      const row = await findImage(storage.db, id);
      return row === undefined ? null : toImageView(row);
    },

    async list({ limit, cursor }: ImageQuery): Promise<ImageList> {
      const { page, nextCursor } = toPage(await listImages(storage.db, limit + 1, readCursor(cursor)), limit);
      return { images: page.map(toImageView), nextCursor };
    },

    async file(id): Promise<ImageFile> {
      const row = await rowOf(id);
      const path = await wholeFile(row);
      return { path, type: 'image/png', sizeBytes: row.size_bytes, etag: `"${row.sha256.slice(0, 32)}"` };
    },

    async thumbnail(id): Promise<ImageFile> {
      const row = await rowOf(id);
      const { path, sizeBytes } = await thumbnails.of(await wholeFile(row), row.sha256);
      const { mtimeMs } = await stat(path);
      return {
        path,
        type: 'image/webp',
        sizeBytes,
        etag: `"${row.sha256.slice(0, 24)}-${Math.round(mtimeMs)}"`,
      };
    },
  };
}
