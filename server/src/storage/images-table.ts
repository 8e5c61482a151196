import type { Insertable, Kysely } from 'kysely';
import type { Database, ImageRow } from './schema.ts';

type Db = Kysely<Database>;

export type NewImage = Omit<Insertable<Database['images']>, 'number' | 'state' | 'missing'>;

/** Promises a picture. Only for the holder of the job's claim. @returns false if the claim is stale. */
export function insertIntent(db: Db, image: NewImage, claim: number): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    if (!(await holdsClaim(trx, image.job_id, claim))) return false;
    await trx
      .insertInto('images')
      .values({ ...image, state: 'intent', missing: 0 })
      .execute();
    return true;
  });
}

/** Gives a promised picture another name, because its first one was taken. */
export async function renameIntent(db: Db, id: string, name: string): Promise<void> {
  await db.updateTable('images').set({ name }).where('id', '=', id).where('state', '=', 'intent').execute();
}

/**
 * The file is there: lists the picture. With a claim, only for its holder.
 * @returns the row, or undefined if the claim is stale.
 */
export function markReady(
  db: Db,
  { id, mtimeMs, claim }: { id: string; mtimeMs: number; claim: number | null },
): Promise<ImageRow | undefined> {
  return db.transaction().execute(async (trx) => {
    const intent = await trx.selectFrom('images').select('job_id').where('id', '=', id).executeTakeFirst();
    if (intent === undefined) return undefined;
    if (claim !== null && !(await holdsClaim(trx, intent.job_id, claim))) return undefined;
    return trx
      .updateTable('images')
      .set({ state: 'ready', mtime_ms: mtimeMs })
      .where('id', '=', id)
      .where('state', '=', 'intent')
      .returningAll()
      .executeTakeFirst();
  });
}

export async function dropIntent(db: Db, id: string): Promise<void> {
  await db.deleteFrom('images').where('id', '=', id).where('state', '=', 'intent').execute();
}

export const intents = (db: Db): Promise<ImageRow[]> =>
  db.selectFrom('images').selectAll().where('state', '=', 'intent').orderBy('number').execute();

/** The picture at a place of a job, promised or ready. */
export const findPlace = (db: Db, jobId: string, index: number): Promise<ImageRow | undefined> =>
  db.selectFrom('images').selectAll().where('job_id', '=', jobId).where('idx', '=', index).executeTakeFirst();

/** The last name in a folder, in order of names; `/` and its successor `0` bound them. */
export async function lastNameIn(db: Db, folder: string): Promise<string | null> {
  const row = await db
    .selectFrom('images')
    .select(({ fn }) => fn.max<string | null>('name').as('name'))
    .where('name', '>', `${folder}/`)
    .where('name', '<', `${folder}0`)
    .executeTakeFirst();
  return row?.name ?? null;
}

export const findImage = (db: Db, id: string): Promise<ImageRow | undefined> =>
  db.selectFrom('images').selectAll().where('id', '=', id).where('state', '=', 'ready').executeTakeFirst();

/** Newest first; `below` is the number of the last picture of the page before. */
export const listImages = (db: Db, limit: number, below: number | null): Promise<ImageRow[]> =>
  db
    .selectFrom('images')
    .selectAll()
    .where('state', '=', 'ready')
    .$if(below !== null, (query) => query.where('number', '<', below as number))
    .orderBy('number', 'desc')
    .limit(limit)
    .execute();

/** Finished pictures of these jobs, in order of index. */
export async function imagesOfJobs(db: Db, jobIds: readonly string[]): Promise<ImageRow[]> {
  if (jobIds.length === 0) return [];
  return db
    .selectFrom('images')
    .selectAll()
    .where('job_id', 'in', jobIds)
    .where('state', '=', 'ready')
    .orderBy('idx')
    .execute();
}

/** Notes whether the file is there and whole, and since when it looks as it does. */
export async function setFound(
  db: Db,
  id: string,
  found: { missing: boolean; mtimeMs?: number },
): Promise<void> {
  await db
    .updateTable('images')
    .set({
      missing: found.missing ? 1 : 0,
      ...(found.mtimeMs === undefined ? {} : { mtime_ms: found.mtimeMs }),
    })
    .where('id', '=', id)
    .execute();
}

async function holdsClaim(db: Db, jobId: string, claim: number): Promise<boolean> {
  const job = await db
    .selectFrom('jobs')
    .select('id')
    .where('id', '=', jobId)
    .where('claim', '=', claim)
    .where('state', '=', 'running')
    .executeTakeFirst();
  return job !== undefined;
}
