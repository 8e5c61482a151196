import { Health } from '@atelier/contract';
import { Router } from 'express';
import { AppError } from '../../errors.ts';
import { methodNotAllowed, type Route } from '../route.ts';

export type ReadHealth = () => Promise<Health>;

export function healthRoutes({ health }: { health: ReadHealth }): Route[] {
  return [
    {
      method: 'get',
      path: '/health',
      tag: 'Server',
      summary: 'Show how the server is',
      answers: { 200: { description: 'Worker, queue, disk and warnings.', schema: Health } },
      problems: [],
      async handle(_req, res) {
        res.json(await health());
      },
    },
  ];
}

/** `/healthz/live`: the process answers. `/healthz/ready`: it can draw. Neither tells any details. */
export function probes({ health }: { health: ReadHealth }): Router {
  const router = Router({ caseSensitive: true });
  router
    .route('/live')
    .get((_req, res) => void res.json({ status: 'live' }))
    .all(methodNotAllowed(['get']));
  router
    .route('/ready')
    .get(async (_req, res) => {
      const { status } = await health();
      if (status !== 'ok') throw new AppError('not-ready', { detail: 'The server cannot draw now.' });
      res.json({ status: 'ready' });
    })
    .all(methodNotAllowed(['get']));
  return router;
}
