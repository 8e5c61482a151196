import {
  isActive,
  type GenerationSettings,
  type JobList,
  type JobQuery,
  type JobSnapshot,
} from '@atelier/contract';
import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { Events } from '../events.ts';
import { freeBytes } from '../gallery/disk-space.ts';
import type { PictureStore } from '../gallery/picture-store.ts';
import type { Library } from '../library/library.ts';
import type { Log } from '../log.ts';
import { dropOldKeys, findKey, insertKey } from '../storage/idempotency-table.ts';
import {
  cancelQueued,
  countJobs,
  findJob,
  findJobs,
  insertJob,
  listJobs,
  requestCancel,
} from '../storage/jobs-table.ts';
import type { Storage } from '../storage/open-storage.ts';
import { readCursor, toPage } from '../storage/page.ts';
import type { JobRow } from '../storage/schema.ts';
import { storing } from '../storage/sqlite-errors.ts';
import type { DrawingWorker } from '../workers/worker.ts';
import { Dispatcher } from './dispatcher.ts';
import { JobBoard } from './job-board.ts';
import type { JobQueue } from './job-queue.ts';
import { alreadyEnded, diskLow, jobNotFound, keyReused, queueFull, stopping } from './queue-errors.ts';
import type { Idempotency } from './queue.ts';
import { recoverJobs } from './recover-jobs.ts';

interface Parts {
  storage: Storage;
  gallery: PictureStore;
  worker: DrawingWorker;
  library: Pick<Library, 'resolve' | 'shortHash'>;
  events: Events;
  config: Pick<Config, 'limits' | 'outputsDir'>;
  /** Written into pictures. */
  version: string;
  log: Log;
}

/** Until there are accounts, everybody is this user. */
const LOCAL_USER = 'local';

/** Builds the queue over its parts; see job-queue.ts for their order. Nothing runs before `start`. */
export function createQueue({
  storage,
  gallery,
  worker,
  library,
  events,
  config,
  version,
  log,
}: Parts): JobQueue {
  const { db } = storage;
  const { limits } = config;
  const board = new JobBoard({ storage, gallery, events, log });
  const dispatcher = new Dispatcher({
    storage,
    gallery,
    worker,
    library,
    events,
    board,
    attempts: limits.attempts,
    version,
    log,
  });
  let isStopping = false;

  const now = (): string => new Date().toISOString();

  async function snapshot(row: JobRow | undefined): Promise<JobSnapshot | null> {
    return row === undefined ? null : ((await board.snapshots([row]))[0] ?? null);
  }

  async function underKey({ key, bodyHash }: Idempotency): Promise<JobRow | undefined> {
    const known = await findKey(db, LOCAL_USER, key);
    if (known === undefined) return undefined;
    if (known.body_hash !== bodyHash) throw keyReused();
    return findJob(db, known.job_id);
  }

  async function requireSpace(): Promise<void> {
    const free = Math.min(await freeBytes(storage.dataDir), await freeBytes(config.outputsDir));
    if (free < limits.minFreeBytes) throw diskLow(free, limits.minFreeBytes);
  }

  /** @returns the new job, or what was stored meanwhile under the same key. */
  const insert = (
    settings: GenerationSettings,
    idempotency?: Idempotency,
  ): Promise<{ row: JobRow; isNew: boolean }> =>
    db.transaction().execute(async (trx) => {
      const known = idempotency && (await findKey(trx, LOCAL_USER, idempotency.key));
      const earlier = known && (await findJob(trx, known.job_id));
      if (known !== undefined && known.body_hash !== idempotency?.bodyHash) throw keyReused();
      if (earlier !== undefined) return { row: earlier, isNew: false };
      if ((await countJobs(trx, 'queued')) >= limits.queuedTotal) throw queueFull(limits.queuedTotal, 'all');
      if ((await countJobs(trx, 'queued', LOCAL_USER)) >= limits.queuedPerUser) {
        throw queueFull(limits.queuedPerUser, 'yours');
      }
      const row = await insertJob(trx, {
        id: randomUUID(),
        user: LOCAL_USER,
        settings: JSON.stringify(settings),
        pictures: settings.batchSize * settings.batchCount,
        created_at: now(),
      });
      if (idempotency !== undefined) {
        await dropOldKeys(trx, new Date());
        const { key, bodyHash } = idempotency;
        await insertKey(trx, {
          user: LOCAL_USER,
          key,
          body_hash: bodyHash,
          job_id: row.id,
          created_at: now(),
        });
      }
      return { row, isNew: true };
    });

  return {
    async submit(settings, idempotency) {
      const known = idempotency && (await underKey(idempotency));
      if (known !== undefined) return (await snapshot(known)) as JobSnapshot;
      if (isStopping) throw stopping();
      await requireSpace();
      const { row, isNew } = await storing(() => insert(settings, idempotency));
      if (!isNew) return (await snapshot(row)) as JobSnapshot;
      const accepted = await board.changed(row);
      dispatcher.wake();
      return accepted;
    },

    async findByKey(idempotency) {
      return snapshot(await underKey(idempotency));
    },

    async find(id) {
      return snapshot(await findJob(db, id));
    },

    async list({ active, limit, cursor }: JobQuery): Promise<JobList> {
      const after = readCursor(cursor);
      if (active === true) {
        const order = await board.active();
        const from = after === null ? 0 : order.findIndex(({ number }) => number === after) + 1;
        const { page, nextCursor } = toPage(order.slice(from, from + limit + 1), limit);
        const rows = await findJobs(
          db,
          page.map(({ id }) => id),
        );
        return { jobs: await board.snapshots(rows), nextCursor };
      }
      const { page, nextCursor } = toPage(await listJobs(db, limit + 1, after), limit);
      return { jobs: await board.snapshots(page), nextCursor };
    },

    async cancel(id) {
      const row = await findJob(db, id);
      if (row === undefined) throw jobNotFound(id);
      if (!isActive(row.state)) throw alreadyEnded(row.state);
      const cancelled = await storing(() => cancelQueued(db, id, board.nextSeq(row), now()));
      if (cancelled !== undefined) return board.changed(cancelled);
      // It runs, or has ended meanwhile.
      const running = await storing(() => requestCancel(db, id));
      if (running === undefined) throw alreadyEnded((await findJob(db, id))?.state ?? row.state);
      dispatcher.cancel(id);
      return (await snapshot(running)) as JobSnapshot;
    },

    async counts() {
      return { queued: await countJobs(db, 'queued'), running: await countJobs(db, 'running') };
    },

    previews: () => dispatcher.previews(),

    async start() {
      await recoverJobs({ storage, gallery, attempts: limits.attempts, log });
      dispatcher.start();
    },

    async stop(graceMs) {
      isStopping = true;
      await dispatcher.stop(graceMs);
      board.close();
    },
  };
}
