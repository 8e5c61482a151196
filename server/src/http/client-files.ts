import { Router, static as serveFolder, type RequestHandler } from 'express';
import { join } from 'node:path';
import { PAGE_CSP } from './boundary/headers.ts';

/** Paths that the page draws by itself: plain words, no file name. */
const PAGE_PATH = /^(?!\/assets(?:\/|$))(?:\/[\w-]*)*$/;

/**
 * Serves the built client: index.html for every address that the page knows how to draw, never cached; files below
 * assets/, whose names change with their content, cached for good.
 */
export function clientFiles(folder: string): Router {
  const router = Router({ caseSensitive: true });
  const options = { index: false, redirect: false } as const;
  router.use('/assets', serveFolder(join(folder, 'assets'), { ...options, immutable: true, maxAge: '1y' }));
  router.get('/index.html', sendPage(folder));
  router.use(serveFolder(folder, { ...options, maxAge: '1h' }));
  router.get(PAGE_PATH, sendPage(folder));
  return router;
}

const sendPage =
  (folder: string): RequestHandler =>
  (_req, res, next) => {
    res.setHeader('Content-Security-Policy', PAGE_CSP);
    res.setHeader('Cache-Control', 'no-cache');
    res.sendFile('index.html', { root: folder, cacheControl: false }, (error: unknown) => {
      if (error !== undefined && !res.headersSent) next(error);
    });
  };
