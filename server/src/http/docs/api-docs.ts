import { Router, type RequestHandler } from 'express';
import { createRequire } from 'node:module';
import { methodNotAllowed, type Route } from '../route.ts';
import { openApiDocument } from './openapi.ts';

/**
 * What the viewer of the documentation needs beyond the page's own policy: it writes style elements. It reads the
 * document and sends the requests that are tried out; nothing leaves this server.
 */
const DOCS_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "form-action 'none'",
].join('; ');

/** `/api/openapi.json`, and a page at `/api/docs` that shows it and tries requests. */
export function apiDocs(routes: readonly Route[], version: string): Router {
  const router = Router({ caseSensitive: true });
  let document: Promise<string> | null = null;

  const get = (path: string, handle: RequestHandler): void =>
    void router
      .route(path)
      .get(handle)
      .all(methodNotAllowed(['get']));

  get('/openapi.json', async (_req, res) => {
    document ??= openApiDocument(routes, version).then((made) => JSON.stringify(made, null, 2));
    res
      .set('Cache-Control', 'no-cache')
      .type('json')
      .send(await document);
  });
  get('/docs', (_req, res) => {
    res.set('Content-Security-Policy', DOCS_CSP).set('Cache-Control', 'no-cache').type('html').send(PAGE);
  });
  get('/docs/rapidoc.js', (_req, res, next) => {
    const path = createRequire(import.meta.url).resolve('rapidoc/dist/rapidoc-min.js');
    res.sendFile(path, { maxAge: '1h', dotfiles: 'allow' }, (error: unknown) => {
      if (error !== undefined && !res.headersSent) next(error);
    });
  });
  get('/docs/style.css', (_req, res) => {
    res.set('Cache-Control', 'no-cache').type('css').send(STYLE);
  });
  return router;
}

const STYLE = 'body { margin: 0 } rapi-doc { width: 100%; height: 100vh }\n';

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Atelier API</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/api/docs/style.css" />
    <script type="module" src="/api/docs/rapidoc.js"></script>
  </head>
  <body>
    <rapi-doc
      spec-url="/api/openapi.json"
      load-fonts="false"
      regular-font="system-ui, sans-serif"
      mono-font="ui-monospace, monospace"
      theme="light"
      render-style="read"
      show-header="false"
      allow-authentication="false"
      allow-server-selection="false"
      allow-spec-url-load="false"
      allow-spec-file-load="false"
      schema-style="table"
    ></rapi-doc>
  </body>
</html>
`;
