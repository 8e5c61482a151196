import type { JobFailure, JobState } from '@atelier/contract';
import { sql, type Kysely } from 'kysely';
import type { Database, JobRow } from './schema.ts';

type Db = Kysely<Database>;

/** A job that ended. */
export type EndState = Extract<JobState, 'succeeded' | 'failed' | 'cancelled'>;

export function insertJob(
  db: Db,
  job: Pick<JobRow, 'id' | 'user' | 'settings' | 'pictures' | 'created_at'>,
): Promise<JobRow> {
  return db
    .insertInto('jobs')
    .values({ ...job, state: 'queued', seq: 0, claim: 0, attempt: 0, cancel_requested: 0 })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export const findJob = (db: Db, id: string): Promise<JobRow | undefined> =>
  db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();

/** These jobs, in the order asked for. */
export async function findJobs(db: Db, ids: readonly string[]): Promise<JobRow[]> {
  if (ids.length === 0) return [];
  const rows = await db.selectFrom('jobs').selectAll().where('id', 'in', ids).execute();
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/** Newest first; `below` is the number of the last job of the page before. */
export function listJobs(db: Db, limit: number, below: number | null): Promise<JobRow[]> {
  return db
    .selectFrom('jobs')
    .selectAll()
    .$if(below !== null, (query) => query.where('number', '<', below as number))
    .orderBy('number', 'desc')
    .limit(limit)
    .execute();
}

/** In order of arrival. */
export const jobsIn = (db: Db, state: 'queued' | 'running'): Promise<JobRow[]> =>
  db.selectFrom('jobs').selectAll().where('state', '=', state).orderBy('number').execute();

/** Who waits, in order of arrival: all that the order of running follows from. */
export const waitingJobs = (db: Db): Promise<Pick<JobRow, 'id' | 'user' | 'number'>[]> =>
  db
    .selectFrom('jobs')
    .select(['id', 'user', 'number'])
    .where('state', '=', 'queued')
    .orderBy('number')
    .execute();

export async function countJobs(db: Db, state: 'queued' | 'running', user?: string): Promise<number> {
  const { count } = await db
    .selectFrom('jobs')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('state', '=', state)
    .$if(user !== undefined, (query) => query.where('user', '=', user as string))
    .executeTakeFirstOrThrow();
  return count;
}

/** queued → running, under a new claim. */
export function claimJob(db: Db, id: string, seq: number, at: string): Promise<JobRow | undefined> {
  return db
    .updateTable('jobs')
    .set((eb) => ({
      state: 'running',
      claim: eb('claim', '+', 1),
      attempt: eb('attempt', '+', 1),
      seq,
      started_at: eb.fn.coalesce('started_at', eb.val(at)),
    }))
    .where('id', '=', id)
    .where('state', '=', 'queued')
    .returningAll()
    .executeTakeFirst();
}

/** running → queued; only by the holder of the claim. `takeBack` makes the attempt not count. */
export function requeueJob(
  db: Db,
  { id, claim, seq, takeBack }: { id: string; claim: number; seq: number; takeBack: boolean },
): Promise<JobRow | undefined> {
  return db
    .updateTable('jobs')
    .set((eb) => ({ state: 'queued', seq, attempt: eb('attempt', '-', takeBack ? 1 : 0) }))
    .where('id', '=', id)
    .where('claim', '=', claim)
    .where('state', '=', 'running')
    .returningAll()
    .executeTakeFirst();
}

/** running → an end; only by the holder of the claim. */
export function endJob(
  db: Db,
  end: { id: string; claim: number; seq: number; state: EndState; failure: JobFailure | null; at: string },
): Promise<JobRow | undefined> {
  return db
    .updateTable('jobs')
    .set({
      state: end.state,
      seq: end.seq,
      failure: end.failure === null ? null : JSON.stringify(end.failure),
      finished_at: end.at,
    })
    .where('id', '=', end.id)
    .where('claim', '=', end.claim)
    .where('state', '=', 'running')
    .returningAll()
    .executeTakeFirst();
}

/** queued → cancelled. */
export const cancelQueued = (db: Db, id: string, seq: number, at: string): Promise<JobRow | undefined> =>
  db
    .updateTable('jobs')
    .set({ state: 'cancelled', seq, finished_at: at })
    .where('id', '=', id)
    .where('state', '=', 'queued')
    .returningAll()
    .executeTakeFirst();

/** Remembers that a running job is to stop, so that it stays stopped over a restart. */
export const requestCancel = (db: Db, id: string): Promise<JobRow | undefined> =>
  db
    .updateTable('jobs')
    .set({ cancel_requested: 1 })
    .where('id', '=', id)
    .where('state', '=', 'running')
    .returningAll()
    .executeTakeFirst();

/** Lifts the sequence numbers of all active jobs above any that a server that died may have sent. */
export async function skipSequenceNumbers(db: Db, by: number): Promise<void> {
  await sql`UPDATE jobs SET seq = seq + ${by} WHERE state IN ('queued', 'running')`.execute(db);
}
