import type { JobFailure } from '@atelier/contract';
import { jobFailure, MEMORY_HINT, speaksOfMemory } from './failures.ts';

/** What to tell of a worker that died by itself, from how it ended and its last words. */
export function deathOf(code: number | null, signal: NodeJS.Signals | null, stderr: string): JobFailure {
  const how = signal === null ? `ended with code ${code ?? 'unknown'}` : `was ended by ${signal}`;
  if (speaksOfMemory(stderr)) {
    return jobFailure('out-of-memory', `The drawing process ran out of memory and ${how}.`, MEMORY_HINT);
  }
  // The kernel's way of ending a process when memory runs out.
  const hint = signal === 'SIGKILL' ? `If memory ran out: ${MEMORY_HINT}` : null;
  return jobFailure('worker-crashed', `The drawing process ${how}.`, hint);
}
