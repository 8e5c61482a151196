import type { IncomingMessage } from 'node:http';

export const MAX_HEADERS = 100;

/** Refuses a request with too many headers. The server keeps one more than allowed, so that this can be told. */
export function checkHeaderCount({ rawHeaders }: IncomingMessage): void {
  if (rawHeaders.length > 2 * MAX_HEADERS) throw new TooManyHeaders();
}

/** Carries the status that HTTP has for it (RFC 6585). */
class TooManyHeaders extends Error {
  readonly status = 431;
}
