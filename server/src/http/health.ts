import type { Health } from '@atelier/contract';
import { statfs } from 'node:fs/promises';
import type { Queue } from '../queue/queue.ts';
import type { ReadHealth } from './routes/health.ts';

interface Sources {
  queue: Queue;
  worker: { status(): Health['worker'] };
  /** Folders that must keep some room. */
  folders: readonly string[];
  minFreeBytes: number;
  version: string;
  warnings: () => string[];
  isStopping: () => boolean;
  now?: () => number;
}

/** How the server is, from its parts, asked for anew each time. */
export function createHealth(sources: Sources): ReadHealth {
  const {
    queue,
    worker,
    folders,
    minFreeBytes,
    version,
    warnings,
    isStopping,
    now = () => performance.now(),
  } = sources;
  const startedAt = now();
  return async () => {
    const freeBytes = Math.min(...(await Promise.all(folders.map(freeBytesAt))));
    const workerStatus = worker.status();
    const disk = { freeBytes, low: freeBytes < minFreeBytes };
    return {
      status: isStopping() ? 'stopping' : statusOf(workerStatus.state, disk.low),
      version,
      uptimeS: Math.round((now() - startedAt) / 1000),
      worker: workerStatus,
      queue: await queue.counts(),
      disk,
      warnings: warnings(),
    };
  };
}

function statusOf(worker: Health['worker']['state'], isDiskLow: boolean): Health['status'] {
  if (worker === 'starting') return 'starting';
  const canDraw = worker === 'ready' || worker === 'busy';
  return canDraw && !isDiskLow ? 'ok' : 'degraded';
}

async function freeBytesAt(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return 0; // a folder that is gone has no room either
  }
}
