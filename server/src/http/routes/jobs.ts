import { GenerationRequest, JobList, JobQuery, JobSnapshot } from '@atelier/contract';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { Library } from '../../library/library.ts';
import type { Queue } from '../../queue/queue.ts';
import type { Catalogue } from '../generation/catalogue.ts';
import { IDEMPOTENCY_KEY, readIdempotency } from '../generation/idempotency.ts';
import { resolveSettings } from '../generation/resolve-settings.ts';
import { read } from '../invalid-request.ts';
import { readId } from '../read-id.ts';
import type { Route } from '../route.ts';

interface Services {
  queue: Queue;
  library: Library;
  catalogue: Catalogue;
}

/** Of a request that is said whole by its address. */
const NothingMore = z.strictObject({});

export function jobRoutes({ queue, library, catalogue }: Services): Route[] {
  return [
    {
      method: 'post',
      path: '/jobs',
      tag: 'Jobs',
      summary: 'Draw pictures',
      description:
        'Only `prompt` is needed. What is left out comes from the model, else from the defaults. ' +
        'The job is stored before the answer is sent, and survives a restart.',
      headers: {
        [IDEMPOTENCY_KEY]:
          'The same key and body give the same job again, kept for a day; the same key with another body is refused.',
      },
      body: GenerationRequest,
      example: { prompt: 'a red apple', steps: 20, seed: 7 },
      answers: {
        202: {
          description: 'The job waits or runs.',
          schema: JobSnapshot,
          headers: { Location: 'Where the job can be asked for.' },
        },
      },
      problems: [
        'model-not-found',
        'model-invalid',
        'idempotency-key-reuse',
        'queue-full',
        'insufficient-storage',
        'out-of-memory',
        'not-ready',
      ],
      async handle(req, res) {
        const idempotency = readIdempotency(req.get(IDEMPOTENCY_KEY), req.body);
        const earlier = idempotency && (await queue.findByKey(idempotency));
        const job =
          earlier ??
          (await queue.submit(await resolveSettings(req.body, { library, catalogue }), idempotency));
        res.status(202).location(`/api/v1/jobs/${job.id}`).json(job);
      },
    },
    {
      method: 'get',
      path: '/jobs',
      tag: 'Jobs',
      summary: 'List jobs',
      description: 'Newest first; with `active=true`, running and waiting ones in the order they run.',
      query: JobQuery,
      answers: { 200: { description: 'A page of jobs.', schema: JobList } },
      problems: ['invalid-request'],
      async handle(req, res) {
        res.json(await queue.list(read(JobQuery, req.query)));
      },
    },
    {
      method: 'get',
      path: '/jobs/{id}',
      tag: 'Jobs',
      summary: 'Show a job',
      answers: { 200: { description: 'The job as it is now.', schema: JobSnapshot } },
      problems: ['not-found'],
      async handle(req, res) {
        const id = readId(req.params['id'], 'job');
        const job = await queue.find(id);
        if (job === null) throw new AppError('not-found', { detail: `There is no job ${id}.` });
        res.json(job);
      },
    },
    {
      method: 'post',
      path: '/jobs/{id}/cancel',
      tag: 'Jobs',
      summary: 'Cancel a job',
      description: 'A waiting job never runs; a running one stops at its next step. Send `{}` as the body.',
      body: NothingMore,
      example: {},
      answers: {
        200: { description: 'The job; a running one may take a step to stop.', schema: JobSnapshot },
      },
      problems: ['not-found', 'conflict'],
      async handle(req, res) {
        read(NothingMore, req.body ?? {});
        res.json(await queue.cancel(readId(req.params['id'], 'job')));
      },
    },
  ];
}
