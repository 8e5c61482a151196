import type { Kysely } from 'kysely';
import type { Database } from './schema.ts';

/** When each user was last served, as a count of claims; a user never served is missing. */
export async function readTurns(db: Kysely<Database>): Promise<Map<string, number>> {
  const rows = await db.selectFrom('turns').selectAll().execute();
  return new Map(rows.map(({ user, served }) => [user, served]));
}

/** Notes that the user was served now, later than anyone else. */
export async function noteTurn(db: Kysely<Database>, user: string): Promise<void> {
  const last = await db
    .selectFrom('turns')
    .select(({ fn }) => fn.max<number | null>('served').as('served'))
    .executeTakeFirst();
  const served = (last?.served ?? 0) + 1;
  await db
    .insertInto('turns')
    .values({ user, served })
    .onConflict((conflict) => conflict.column('user').doUpdateSet({ served }))
    .execute();
}
