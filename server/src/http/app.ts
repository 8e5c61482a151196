import compression from 'compression';
import express, { type Express, type RequestHandler } from 'express';
import { AppError } from '../errors.ts';
import type { Gallery } from '../gallery/gallery.ts';
import type { Library } from '../library/library.ts';
import type { Log } from '../log.ts';
import type { Queue } from '../queue/queue.ts';
import type { AllowedHosts } from './boundary/allowed-hosts.ts';
import { clientFiles } from './client-files.ts';
import { apiDocs } from './docs/api-docs.ts';
import type { Catalogue } from './generation/catalogue.ts';
import { guard } from './guard.ts';
import { handleErrors } from './handle-errors.ts';
import { requestLog } from './request-log.ts';
import { serveRoutes, type Route } from './route.ts';
import { healthRoutes, probes, type ReadHealth } from './routes/health.ts';
import { imageRoutes } from './routes/images.ts';
import { jobRoutes } from './routes/jobs.ts';
import { modelRoutes } from './routes/models.ts';

export interface AppServices {
  queue: Queue;
  gallery: Gallery;
  library: Library;
  catalogue: Catalogue;
  health: ReadHealth;
  hosts: AllowedHosts;
  log: Log;
  /** Folder of the built client; null serves the API only. */
  clientDir: string | null;
  version: string;
}

/** Everything that is served over HTTP but sockets. Never listens. */
export function createApp(services: AppServices): Express {
  const { hosts, log, clientDir, version } = services;
  const routes = apiRoutes(services);
  const app = express();
  app.disable('x-powered-by');
  app.enable('case sensitive routing');
  app.set('query parser', 'simple');
  app.set('etag', false);

  app.use(requestLog(log), guard(hosts));
  app.use('/healthz', noStore, probes(services));
  app.use('/api/v1', noStore, serveRoutes(routes));
  app.use('/api', compressed, apiDocs(routes, version));
  app.use(['/api', '/healthz'], nothingHere);
  if (clientDir === null) app.get('/', notBuilt);
  else app.use(compressed, clientFiles(clientDir));
  app.use(nothingHere);
  app.use(handleErrors(log));
  return app;
}

/** The whole API below /api/v1. */
export const apiRoutes = (services: AppServices): Route[] => [
  ...jobRoutes(services),
  ...imageRoutes(services),
  ...modelRoutes(services),
  ...healthRoutes(services),
];

/** Text that is asked for rarely and kept long; answers of the API are small and asked for while pictures are drawn. */
const compressed = compression();

const noStore: RequestHandler = (_req, res, next) => {
  res.setHeader('Cache-Control', 'no-store');
  next();
};

const nothingHere: RequestHandler = (req) => {
  throw new AppError('not-found', { detail: `There is nothing at ${req.baseUrl}${req.path}.`.slice(0, 300) });
};

const notBuilt: RequestHandler = () => {
  throw new AppError('not-found', {
    detail: 'The page of this server is not built.',
    hint: 'Run `npm run build` and start again. The API is at /api/v1, its documentation at /api/docs.',
  });
};
