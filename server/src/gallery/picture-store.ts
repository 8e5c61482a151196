import type { ImageView } from '@atelier/contract';
import type { Gallery } from './gallery.ts';

/** A drawn picture, as the queue hands it over. */
export interface FinishedPicture {
  jobId: string;
  /** The claim under which it was drawn; a stale one is turned away. */
  claim: number;
  /** Place within its job, from 0. */
  index: number;
  seed: number;
  width: number;
  height: number;
  /** Generation text to be written into the file. */
  parameters: string;
  /** The prompt; part of the file name. */
  prompt: string;
  /** A whole PNG without text. */
  png: Uint8Array;
}

/** The gallery with its other side: what the queue needs to keep pictures. */
export interface PictureStore extends Gallery {
  /**
   * Finishes or undoes what was being stored when the server last ended, and removes leftovers. To be awaited
   * before the queue starts. Then checks all files against their rows in the background.
   */
  start(): Promise<void>;
  /**
   * Keeps a picture: intent, file, row, in the order that lets no crash lose or double it. Announces `image:added`.
   * @throws AppError `insufficient-storage` (disk full or read-only; nothing is left behind), `conflict` (stale claim).
   */
  commit(picture: FinishedPicture): Promise<ImageView>;
  /** Finished pictures of these jobs, by job id, each list in order of index. */
  ofJobs(jobIds: readonly string[]): Promise<Map<string, ImageView[]>>;
  /** Ends background work. */
  close(): Promise<void>;
}
