import express, { type Express } from 'express';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { AllowedHosts } from './boundary/allowed-hosts.ts';
import { guard } from './guard.ts';
import { handleErrors } from './handle-errors.ts';
import { requestLog } from './request-log.ts';

/** What is served while the server is starting: it lives, and asks for a moment. */
export function createWaitingApp({ hosts, log }: { hosts: AllowedHosts; log: Log }): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(requestLog(log), guard(hosts));
  app.get('/healthz/live', (_req, res) => void res.json({ status: 'live' }));
  app.use(() => {
    throw new AppError('not-ready', { detail: 'The server is starting.', retryAfterS: 1 });
  });
  app.use(handleErrors(log));
  return app;
}
