import { AppError } from '../errors.ts';

/** Reads a page's cursor: the number of the last row of the page before. @throws AppError `invalid-request`. */
export function readCursor(cursor: string | undefined): number | null {
  if (cursor === undefined) return null;
  if (!/^\d{1,15}$/.test(cursor)) {
    const detail = `Expected a cursor that a list answered but received "${cursor.slice(0, 40)}".`;
    throw new AppError('invalid-request', { detail, errors: [{ pointer: '/cursor', detail }] });
  }
  return Number(cursor);
}

/** Cuts `limit + 1` fetched rows to a page. The cursor is null if nothing follows. */
export function toPage<Row extends { number: number }>(
  rows: readonly Row[],
  limit: number,
): { page: Row[]; nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { page, nextCursor: rows.length > limit && last !== undefined ? String(last.number) : null };
}
