import type { ImageView, JobPreview } from '@atelier/contract';
import { AppError } from '../errors.ts';
import type { Events } from '../events.ts';
import { infotext } from '../gallery/infotext.ts';
import type { PictureStore } from '../gallery/picture-store.ts';
import type { UsableModel } from '../library/library.ts';
import type { Log } from '../log.ts';
import type { JobRow } from '../storage/schema.ts';
import { jobFailure } from '../workers/failures.ts';
import type { DrawEvent, DrawingWorker, DrawOutcome } from '../workers/worker.ts';
import type { JobBoard } from './job-board.ts';
import { Progress } from './progress.ts';
import { settingsOf } from './snapshot.ts';

interface Parts {
  row: JobRow;
  /** Pictures that are there already. */
  images: readonly ImageView[];
  model: UsableModel;
  modelHash: string | null;
  gallery: Pick<PictureStore, 'commit'>;
  worker: DrawingWorker;
  events: Events;
  board: JobBoard;
  version: string;
  log: Log;
}

type Picture = Extract<DrawEvent, { type: 'picture' }>;
type Preview = Extract<DrawEvent, { type: 'preview' }>;

/** At most this often a preview is passed on. */
const PREVIEW_MS = 250;
/** How long a worker has to stop between steps when the server stops, before it is ended. */
const STOP_PATIENCE_MS = 2_000;

/** One attempt at a job: has the missing pictures drawn, keeps them, and shows how far it is. */
export class JobRun {
  readonly row: JobRow;
  lastPreview: JobPreview | undefined;
  isCancelled = false;
  readonly #parts: Parts;
  readonly #images: ImageView[];
  readonly #progress: Progress;
  /** Pictures are kept one after the other, while the next one is being drawn. */
  #keeping: Promise<void> = Promise.resolve();
  /** Why a picture could not be kept. */
  #keepError: unknown;
  #previewAt = -Infinity;
  #isStopping = false;
  #stopTimer: NodeJS.Timeout | undefined;

  constructor(parts: Parts) {
    this.row = parts.row;
    this.#parts = parts;
    this.#images = [...parts.images];
    this.#progress = new Progress({
      images: parts.row.pictures,
      kept: parts.images.length,
      steps: settingsOf(parts.row).steps,
      now: () => performance.now(),
    });
  }

  /** All pictures are there. */
  get isComplete(): boolean {
    return this.#images.length === this.row.pictures;
  }

  /**
   * Draws what is missing and waits until it is kept.
   * @throws AppError if a picture could not be stored; a picture that is none counts as a crash.
   */
  async draw(): Promise<DrawOutcome> {
    const { row, worker, model } = this.#parts;
    const pictures = this.#missing();
    if (pictures.length === 0) return { type: 'done' };
    if (this.isCancelled || this.#isStopping) {
      clearTimeout(this.#stopTimer);
      return { type: 'cancelled' };
    }
    const { id: jobId, claim, attempt } = row;
    const task = { jobId, claim, attempt, settings: settingsOf(row), modelPath: model.path, pictures };
    const outcome = await worker.draw(task, (event) => this.#note(event));
    clearTimeout(this.#stopTimer);
    await this.#keeping;
    if (this.#keepError instanceof RangeError)
      return { type: 'crashed', failure: notAPicture(this.#keepError) };
    if (this.#keepError !== undefined) throw this.#keepError as Error;
    return outcome;
  }

  /** Stops at the next step. */
  cancel(): void {
    this.isCancelled = true;
    this.#parts.worker.cancel();
  }

  /** Stops after the picture in work, or after `graceMs`. */
  stopSoon(graceMs: number): void {
    this.#isStopping = true;
    this.#stopTimer = setTimeout(() => this.#parts.worker.cancel(STOP_PATIENCE_MS), graceMs);
  }

  /** The seed grows by one with each picture, so that a picture never depends on its batch. */
  #missing(): { index: number; seed: number }[] {
    const { seed } = settingsOf(this.row);
    const there = new Set(this.#images.map(({ index }) => index));
    return Array.from({ length: this.row.pictures }, (_, index) => ({
      index,
      seed: (seed + index) % 2 ** 32,
    })).filter(({ index }) => !there.has(index));
  }

  #note(event: DrawEvent): void {
    if (event.type === 'preview') return this.#show(event);
    this.#progress.note(event);
    if (event.type === 'picture') {
      this.#keeping = this.#keeping.then(() => this.#keep(event));
      if (this.#isStopping) this.#parts.worker.cancel(STOP_PATIENCE_MS);
    }
    this.#report();
  }

  async #keep(event: Picture): Promise<void> {
    if (this.#keepError !== undefined) return;
    const { row, gallery, modelHash, version, log } = this.#parts;
    const settings = settingsOf(row);
    const { image: index, width, height, png, schedule } = event;
    const seed = (settings.seed + index) % 2 ** 32;
    // Not a bare number: other programs would take it for a version of the webui and apply its old rules.
    const program = `Atelier ${version}`;
    const parameters = infotext({ settings, seed, schedule, modelHash, version: program });
    try {
      const { id: jobId, claim } = row;
      const { prompt } = settings;
      const picture = { jobId, claim, index, seed, width, height, parameters, prompt, png };
      this.#images.push(await gallery.commit(picture));
      this.#report();
    } catch (error) {
      this.#keepError = error;
      const isJunk = error instanceof RangeError;
      log.error('A picture could not be kept.', { jobId: row.id, index, error: reasonOf(error) });
      // Nothing that is still to be drawn could be kept either. A process that talks nonsense is not trusted again.
      this.#parts.worker.cancel(isJunk ? 0 : undefined);
    }
  }

  #report(): void {
    const { board, row } = this.#parts;
    board.progressed(row, this.#progress.now(), this.#images);
  }

  #show({ image, step, mime, data }: Preview): void {
    const now = performance.now();
    if (now - this.#previewAt < PREVIEW_MS) return;
    this.#previewAt = now;
    const { board, events, row } = this.#parts;
    const preview = {
      jobId: row.id,
      image,
      step,
      seq: board.seqOf(row),
      mime,
      data: new Uint8Array(data).buffer,
    };
    this.lastPreview = preview;
    events.emit('job:preview', preview);
  }
}

const notAPicture = (error: RangeError): ReturnType<typeof jobFailure> =>
  jobFailure(
    'worker-crashed',
    `The drawing process handed over something that is no picture: ${error.message}.`,
  );

const reasonOf = (error: unknown): string =>
  error instanceof AppError ? `${error.type}: ${error.facts.detail}` : String(error);
