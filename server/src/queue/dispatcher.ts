import type { JobFailure, JobPreview } from '@atelier/contract';
import { setTimeout } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import type { Events } from '../events.ts';
import type { PictureStore } from '../gallery/picture-store.ts';
import type { Library, UsableModel } from '../library/library.ts';
import type { Log } from '../log.ts';
import { claimJob, endJob, findJob, requeueJob, waitingJobs, type EndState } from '../storage/jobs-table.ts';
import type { Storage } from '../storage/open-storage.ts';
import type { JobRow } from '../storage/schema.ts';
import { noteTurn, readTurns } from '../storage/turns-table.ts';
import { jobFailure } from '../workers/failures.ts';
import type { DrawingWorker, DrawOutcome } from '../workers/worker.ts';
import { fairOrder } from './fair-order.ts';
import type { JobBoard } from './job-board.ts';
import { JobRun } from './job-run.ts';
import { persistently } from './persistently.ts';
import { settingsOf } from './snapshot.ts';
import { triedTooOften } from './tried-too-often.ts';

interface Parts {
  storage: Storage;
  gallery: PictureStore;
  worker: DrawingWorker;
  library: Pick<Library, 'resolve' | 'shortHash'>;
  events: Events;
  board: JobBoard;
  /** How often a job may be tried. */
  attempts: number;
  version: string;
  log: Log;
}

/** How a claimed job leaves the running state. */
type Verdict =
  | { state: EndState; failure: JobFailure | null }
  /** Back to the queue; `takeBack` makes the attempt not count. */
  | { state: 'queued'; takeBack: boolean };

/** Takes waiting jobs one after the other, has them drawn, and writes down how they ended. */
export class Dispatcher {
  readonly #parts: Parts;
  readonly #stopped = new AbortController();
  #run: JobRun | undefined;
  #loop: Promise<void> = Promise.resolve();
  #wake: () => void = () => undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    this.#loop = this.#work();
  }

  /** There may be something to do. */
  wake(): void {
    this.#wake();
  }

  /** Stops a job if it is the one that runs. */
  cancel(jobId: string): void {
    if (this.#run?.row.id === jobId) this.#run.cancel();
  }

  previews(): JobPreview[] {
    const preview = this.#run?.lastPreview;
    return preview === undefined ? [] : [preview];
  }

  /** See `JobQueue.stop`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped.abort();
    this.wake();
    this.#run?.stopSoon(graceMs);
    await this.#loop;
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted && (await this.#workerIsReady())) {
      try {
        const woken = new Promise<void>((resolve) => (this.#wake = resolve));
        const row = await persistently(() => this.#claim(), signal, this.#parts.log);
        if (row !== undefined) await this.#process(row);
        else if (!signal.aborted) await woken;
      } catch (error) {
        // A mistake of ours in one job must not end the drawing of others.
        this.#parts.log.error('The queue failed and goes on.', {
          error,
        });
        await setTimeout(AFTER_ERROR_MS, undefined, { signal }).catch(() => undefined); // stopped meanwhile
      }
    }
  }

  /** @returns false if the queue or the worker was stopped. */
  #workerIsReady(): Promise<boolean> {
    const { signal } = this.#stopped;
    return new Promise((resolve) => {
      const onStop = (): void => resolve(false);
      signal.addEventListener('abort', onStop, { once: true });
      this.#parts.worker
        .ready()
        .then(
          () => resolve(true),
          () => resolve(false),
        )
        .finally(() => signal.removeEventListener('abort', onStop));
    });
  }

  /** Claims the job whose turn it is. */
  async #claim(): Promise<JobRow | undefined> {
    const { storage, board } = this.#parts;
    if (this.#stopped.signal.aborted) return undefined;
    return storage.db.transaction().execute(async (trx) => {
      const [next] = fairOrder(await waitingJobs(trx), await readTurns(trx));
      const row = next && (await findJob(trx, next.id));
      if (row === undefined) return undefined;
      await noteTurn(trx, row.user);
      return claimJob(trx, row.id, board.nextSeq(row), new Date().toISOString());
    });
  }

  async #process(row: JobRow): Promise<void> {
    const { storage, gallery, worker, events, board, version, log } = this.#parts;
    await board.changed(row);
    let verdict: Verdict;
    try {
      const model = await this.#modelOf(row);
      const images = (await gallery.ofJobs([row.id])).get(row.id) ?? [];
      const run = new JobRun({ row, images, ...model, gallery, worker, events, board, version, log });
      this.#run = run;
      // Cancelled or stopped between the claim and now?
      if ((await findJob(storage.db, row.id))?.cancel_requested === 1) run.cancel();
      if (this.#stopped.signal.aborted) run.stopSoon(0);
      const outcome = await run.draw();
      // Also if it was cancelled too late, or stopped when nothing was left to draw.
      verdict = run.isComplete ? SUCCEEDED : this.#verdictOn(outcome, run);
    } catch (error) {
      verdict = { state: 'failed', failure: failureFrom(error, log) };
    } finally {
      this.#run = undefined;
    }
    await this.#settle(row, verdict);
  }

  async #modelOf(row: JobRow): Promise<{ model: UsableModel; modelHash: string | null }> {
    const model = await this.#parts.library.resolve(settingsOf(row).model);
    return { model, modelHash: await this.#parts.library.shortHash(model.view.name) };
  }

  #verdictOn(outcome: DrawOutcome, run: JobRun): Verdict {
    const { attempt } = run.row;
    switch (outcome.type) {
      case 'cancelled':
        if (run.isCancelled) return { state: 'cancelled', failure: null };
        return { state: 'queued', takeBack: true }; // the server is stopping
      case 'unavailable':
        return run.isCancelled ? { state: 'cancelled', failure: null } : { state: 'queued', takeBack: true };
      case 'failed':
      case 'expired':
        return { state: 'failed', failure: outcome.failure };
      case 'crashed':
        if (attempt < this.#parts.attempts) return { state: 'queued', takeBack: false };
        return { state: 'failed', failure: triedTooOften(outcome.failure, attempt) };
      case 'done': // without all pictures
        return this.#verdictOn({ type: 'crashed', failure: INCOMPLETE }, run);
    }
  }

  /** Writes the verdict down, however long the disk is full. Stopping in between leaves it to the next start. */
  async #settle(row: JobRow, verdict: Verdict): Promise<void> {
    const { storage, board, log } = this.#parts;
    const { id, claim } = row;
    const seq = board.nextSeq(row);
    const settled = await persistently(
      () =>
        verdict.state === 'queued'
          ? requeueJob(storage.db, { id, claim, seq, takeBack: verdict.takeBack })
          : endJob(storage.db, { id, claim, seq, ...verdict, at: new Date().toISOString() }),
      this.#stopped.signal,
      log,
    );
    if (settled === undefined) return log.warn('A job ended that was no longer ours.', { jobId: id, claim });
    await board.changed(settled);
    log.info('job', { jobId: id, state: settled.state, attempt: settled.attempt });
  }
}

const AFTER_ERROR_MS = 1_000;
const SUCCEEDED: Verdict = { state: 'succeeded', failure: null };
const INCOMPLETE = jobFailure(
  'worker-crashed',
  'The drawing process ended the job without all of its pictures.',
);

function failureFrom(error: unknown, log: Log): JobFailure {
  if (error instanceof AppError) return jobFailure(error.type, error.facts.detail, error.facts.hint ?? null);
  log.error('A job failed for a reason within the server.', {
    error,
  });
  return jobFailure('internal', 'Something went wrong in the server.', 'Look into its log.');
}
