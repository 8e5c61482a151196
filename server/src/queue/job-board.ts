import type { ImageView, JobProgress, JobSnapshot } from '@atelier/contract';
import type { Events } from '../events.ts';
import type { PictureStore } from '../gallery/picture-store.ts';
import type { Log } from '../log.ts';
import { findJobs, jobsIn, waitingJobs } from '../storage/jobs-table.ts';
import type { Storage } from '../storage/open-storage.ts';
import type { JobRow } from '../storage/schema.ts';
import { readTurns } from '../storage/turns-table.ts';
import { fairOrder } from './fair-order.ts';
import { toSnapshot } from './snapshot.ts';

interface Parts {
  storage: Storage;
  gallery: Pick<PictureStore, 'ofJobs'>;
  events: Events;
  log: Log;
}

/** At most this often a job's progress is told. */
const PROGRESS_MS = 100;
/** At most this often new places in the queue are told, and only to so many at its head. */
const POSITIONS = { everyMs: 500, count: 100 };

/** What is known of an active job beyond its row. */
interface Live {
  /** Last sequence number given out. */
  seq: number;
  /** Sequence number of the newest row that was announced. */
  rowSeq: number;
  progress: JobProgress | null;
  /** Place in the queue as last told. */
  position: number | null;
  toldAt: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Shows jobs to clients: makes snapshots, numbers them, and announces changes, not too often. Numbers are given out
 * before anything is awaited, so that a snapshot that is overtaken by a newer one has the lower number.
 */
export class JobBoard {
  readonly #parts: Parts;
  readonly #live = new Map<string, Live>();
  #positionsTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The sequence number for a change of this job that is about to be stored. */
  nextSeq(row: Pick<JobRow, 'id' | 'seq'>): number {
    const live = this.#liveOf(row);
    // What was to be told of its progress is out of date by the time it would be.
    clearTimeout(live.timer);
    live.timer = undefined;
    live.seq += 1;
    return live.seq;
  }

  /** Announces a job whose row has changed, at once. */
  async changed(row: JobRow): Promise<JobSnapshot> {
    const live = this.#liveOf(row);
    const isNewest = row.seq >= live.rowSeq;
    live.rowSeq = Math.max(live.rowSeq, row.seq);
    const seq = live.seq > row.seq ? (live.seq += 1) : (live.seq = row.seq);
    if (row.state !== 'running') live.progress = null;
    if (row.finished_at !== null) this.#live.delete(row.id);
    const [made] = await this.snapshots([row]);
    const snapshot = { ...(made as JobSnapshot), seq };
    if (isNewest) this.#tell(snapshot);
    this.#positionsChanged();
    return snapshot;
  }

  /** Notes how far a running job is, and announces it soon. `images` are its pictures so far. */
  progressed(row: JobRow, progress: JobProgress, images: readonly ImageView[]): void {
    const live = this.#liveOf(row);
    live.progress = progress;
    const tell = (): void => {
      live.timer = undefined;
      live.toldAt = performance.now();
      live.seq += 1;
      const circumstances = { seq: live.seq, images: [...images], progress: live.progress, position: null };
      this.#tell(toSnapshot(row, circumstances));
    };
    const waitMs = live.toldAt + PROGRESS_MS - performance.now();
    if (waitMs <= 0 && live.timer === undefined) tell();
    else live.timer ??= setTimeout(tell, Math.max(0, waitMs));
  }

  /** The newest sequence number of a job. */
  seqOf(row: Pick<JobRow, 'id' | 'seq'>): number {
    return Math.max(row.seq, this.#live.get(row.id)?.seq ?? 0);
  }

  async snapshots(rows: readonly JobRow[]): Promise<JobSnapshot[]> {
    const images = await this.#parts.gallery.ofJobs(rows.map(({ id }) => id));
    const order = rows.some(({ state }) => state === 'queued') ? await this.#order() : [];
    const positions = new Map(order.map(({ id }, position) => [id, position]));
    return rows.map((row) =>
      toSnapshot(row, {
        seq: this.seqOf(row),
        images: images.get(row.id) ?? [],
        progress: this.#live.get(row.id)?.progress ?? null,
        position: positions.get(row.id) ?? null,
      }),
    );
  }

  /** Running jobs, then waiting ones in the order they will start. */
  async active(): Promise<Pick<JobRow, 'id' | 'number'>[]> {
    return [...(await jobsIn(this.#parts.storage.db, 'running')), ...(await this.#order())];
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#positionsTimer);
    for (const { timer } of this.#live.values()) clearTimeout(timer);
  }

  /** Waiting jobs in the order they will start. */
  async #order(): Promise<Pick<JobRow, 'id' | 'number'>[]> {
    const { db } = this.#parts.storage;
    return fairOrder(await waitingJobs(db), await readTurns(db));
  }

  #liveOf(row: Pick<JobRow, 'id' | 'seq'>): Live {
    const known = this.#live.get(row.id);
    if (known !== undefined) return known;
    const unknown = { progress: null, position: null, toldAt: -Infinity, timer: undefined };
    const live: Live = { seq: row.seq, rowSeq: row.seq, ...unknown };
    this.#live.set(row.id, live);
    return live;
  }

  #tell(snapshot: JobSnapshot): void {
    const live = this.#live.get(snapshot.id);
    if (live !== undefined) live.position = snapshot.position;
    if (!this.#isClosed) this.#parts.events.emit('job:changed', snapshot);
  }

  /** A job came, started or left: those that wait may have moved up. */
  #positionsChanged(): void {
    if (this.#isClosed) return;
    this.#positionsTimer ??= setTimeout(() => {
      this.#positionsTimer = undefined;
      this.#tellPositions().catch((error: unknown) => {
        this.#parts.log.warn('New places in the queue could not be told.', { error });
      });
    }, POSITIONS.everyMs);
  }

  async #tellPositions(): Promise<void> {
    const before = new Map(Array.from(this.#live, ([id, { seq }]) => [id, seq]));
    const head = (await this.#order()).slice(0, POSITIONS.count);
    const moved = head.filter(({ id }, position) => this.#live.get(id)?.position !== position);
    const rows = await findJobs(
      this.#parts.storage.db,
      moved.map(({ id }) => id),
    );
    for (const snapshot of await this.snapshots(rows)) {
      const live = this.#live.get(snapshot.id);
      // Whatever changed since it was read has been told by itself.
      if (live === undefined || live.seq !== before.get(snapshot.id) || snapshot.state !== 'queued') continue;
      live.seq += 1;
      this.#tell({ ...snapshot, seq: live.seq });
    }
  }
}
