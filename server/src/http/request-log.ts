import type { RequestHandler, Response } from 'express';
import { randomUUID } from 'node:crypto';
import type { Log } from '../log.ts';

const REQUEST_ID = 'X-Request-Id';

/** Gives each request an id, in its answer and in the log, and logs how it ended: changes and failures at info. */
export function requestLog(log: Log): RequestHandler {
  return (req, res, next) => {
    const requestId = randomUUID();
    const startedAt = performance.now();
    res.setHeader(REQUEST_ID, requestId);
    res.once('close', () => {
      const durationMs = Math.round((performance.now() - startedAt) * 10) / 10;
      const isRead = req.method === 'GET' || req.method === 'HEAD';
      const level = isRead && res.statusCode < 400 ? 'debug' : 'info';
      log[level]('request', {
        requestId,
        method: req.method,
        path: req.path,
        status: res.statusCode,
        durationMs,
      });
    });
    next();
  };
}

export const requestIdOf = (res: Response): string => String(res.getHeader(REQUEST_ID) ?? '');
