import { createSupervisor } from '../src/workers/supervisor.ts';
import type { DrawingWorker } from '../src/workers/worker.ts';
import { built } from './durability/built.ts';
import { silent } from './http/fakes.ts';

interface FakeWorker {
  stepMs: number;
  modelsDir?: string;
  watchdog?: { stepMs?: number; loadMs?: number; jobMs?: number };
  entry?: string;
}

/** Path of the built program that draws; builds it if need be. */
export const workerEntry = (): string => built('src/workers/worker-entry.js');

/** The real supervisor over real processes, with the fake engine, whose prompts may script failures. Not started. */
export function fakeWorker({
  stepMs,
  modelsDir = '/nowhere',
  watchdog,
  entry = workerEntry(),
}: FakeWorker): DrawingWorker {
  const config = {
    engine: 'fake' as const,
    fake: { stepMs, allowFailures: true },
    threads: null,
    provider: 'cpu' as const,
    optimise: 'opening' as const,
    modelMemoryBytes: null,
    modelsDir,
    watchdog: { stepMs: 60_000, loadMs: 60_000, jobMs: 60_000, ...watchdog },
  };
  return createSupervisor({ config, log: silent, entry });
}
