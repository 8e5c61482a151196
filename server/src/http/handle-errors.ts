import type { ErrorRequestHandler } from 'express';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { PROBLEM_MEDIA_TYPE, toProblem } from './problems.ts';
import { requestIdOf } from './request-log.ts';

/** How long a body that is too large may go on arriving while its refusal is read. */
const LINGER_MS = 2000;

/** Answers a failed request as problem+json; errors of the server's own go to the log with their stack. */
export function handleErrors(log: Log): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error: unknown, req, res, _next) => {
    const requestId = requestIdOf(res);
    const { body, headers } = toProblem(error, requestId);
    if (body.status >= 500 && !isExpected(error)) log.error('A request failed.', { requestId, error });
    if (res.headersSent) {
      res.destroy();
      return;
    }
    for (const name of res.getHeaderNames()) if (OF_A_FILE.test(name)) res.removeHeader(name);
    res.status(body.status).set(headers).set('Cache-Control', 'no-store').type(PROBLEM_MEDIA_TYPE);
    res.send(JSON.stringify(body));
    if (!req.complete) closeUnlessComplete(req);
  };
}

/** Headers that described the file which could not be sent. */
const OF_A_FILE = /^(?:etag|last-modified|accept-ranges|content-(?:disposition|length|range))$/;

const isExpected = (error: unknown): boolean => error instanceof AppError && error.type !== 'internal';

function closeUnlessComplete(req: Parameters<ErrorRequestHandler>[1]): void {
  const timer = setTimeout(() => {
    if (!req.complete) req.socket.destroy();
  }, LINGER_MS);
  timer.unref();
  req.once('end', () => clearTimeout(timer));
}
