import type { Kysely } from 'kysely';
import type { Database } from './schema.ts';

/** Longer than the promised 24 hours, so that clocks may differ a little. */
const KEPT_MS = 25 * 60 * 60 * 1000;

interface KeyRow {
  user: string;
  key: string;
  body_hash: string;
  job_id: string;
  created_at: string;
}

export const findKey = (db: Kysely<Database>, user: string, key: string): Promise<KeyRow | undefined> =>
  db
    .selectFrom('idempotency_keys')
    .selectAll()
    .where('user', '=', user)
    .where('key', '=', key)
    .executeTakeFirst();

export async function insertKey(db: Kysely<Database>, row: KeyRow): Promise<void> {
  await db.insertInto('idempotency_keys').values(row).execute();
}

/** Forgets keys that were kept long enough. */
export async function dropOldKeys(db: Kysely<Database>, now: Date): Promise<void> {
  const oldest = new Date(now.getTime() - KEPT_MS).toISOString();
  await db.deleteFrom('idempotency_keys').where('created_at', '<', oldest).execute();
}
