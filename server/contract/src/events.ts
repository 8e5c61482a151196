import { z } from 'zod';
import type { ImageView } from './images.ts';
import type { JobSnapshot } from './jobs.ts';

/** A small picture of the state of a running job. Only the newest matters; a slow reader skips older ones. */
export interface JobPreview {
  jobId: string;
  /** Index of the picture within its job. */
  image: number;
  step: number;
  /** The job's `seq` when it was made. */
  seq: number;
  mime: 'image/webp' | 'image/jpeg';
  data: ArrayBuffer;
}

/**
 * What the server sends. State lives on the server and a socket carries its changes: losing every message and
 * watching again gives the same screen.
 */
export interface ServerToClientEvents {
  'job:changed': (job: JobSnapshot) => void;
  'job:preview': (preview: JobPreview) => void;
  'image:added': (image: ImageView) => void;
  /** Models appeared, changed or vanished: ask GET /api/v1/models again. */
  'models:changed': () => void;
}

/** The answer to `jobs:watch`: every queued and running job, in the order they run, and the newest preview. */
export interface WatchReply {
  jobs: JobSnapshot[];
  previews: JobPreview[];
}

export interface ClientToServerEvents {
  /** Sends snapshots of all active jobs, and from then on previews of running ones to this socket. */
  'jobs:watch': (reply: (state: WatchReply) => void) => void;
  'jobs:unwatch': () => void;
}

/** Room of sockets that get previews. */
export const WATCHERS_ROOM = 'jobs';

export const Health = z
  .strictObject({
    status: z.enum(['ok', 'starting', 'degraded', 'stopping']),
    version: z.string(),
    uptimeS: z.number(),
    worker: z.strictObject({
      state: z.enum(['starting', 'ready', 'busy', 'restarting', 'stopped']),
      pid: z.int().nullable(),
      restarts: z.int(),
    }),
    queue: z.strictObject({ queued: z.int(), running: z.int() }),
    disk: z.strictObject({ freeBytes: z.number(), low: z.boolean() }),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'Health' });
export type Health = z.output<typeof Health>;
