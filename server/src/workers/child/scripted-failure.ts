import { writeSync } from 'node:fs';

/**
 * A failure that a prompt asks of the fake engine: `!crash`, at a step `!crash@3`, only in one attempt `!crash@3#1`,
 * only in the picture of one seed `!crash@3#1:8`.
 */
export interface ScriptedFailure {
  kind: 'crash' | 'hang' | 'exit' | 'junk' | 'alloc';
  step: number;
  /** Null: in every attempt. */
  attempt: number | null;
  /** Null: in every picture. */
  seed: number | null;
}

/** The failures in a prompt, in order. Without `@` a failure comes at step 1. */
export function scriptedFailures(prompt: string): ScriptedFailure[] {
  return Array.from(
    prompt.matchAll(/!(crash|hang|exit|junk|alloc)(?:@(\d{1,3}))?(?:#(\d{1,3}))?(?::(\d{1,10}))?/g),
    (match) => ({
      kind: match[1] as ScriptedFailure['kind'],
      step: Number(match[2] ?? 1),
      attempt: numberOrNull(match[3]),
      seed: numberOrNull(match[4]),
    }),
  );
}

const numberOrNull = (text: string | undefined): number | null => (text === undefined ? null : Number(text));

/** Does to this process what its name says. Only `junk` returns. */
export function failAs(kind: ScriptedFailure['kind']): void {
  switch (kind) {
    case 'crash':
      process.kill(process.pid, 'SIGKILL');
      return wait();
    case 'exit':
      return process.exit(3);
    case 'hang':
      return wait();
    case 'alloc':
      return exhaustMemory();
    case 'junk':
      process.send?.({ type: 'event', task: 'none', event: { type: 'step', image: -1, step: 'NaN' } });
  }
}

/** Blocks the thread as a native call that never returns does. */
function wait(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** Fills the heap up to its limit (small in a worker with the fake engine); V8 then aborts the process. */
function exhaustMemory(): void {
  writeSync(2, 'fake engine: allocating until memory runs out\n');
  const kept: number[][] = [];
  for (;;) kept.push(new Array<number>(4_000_000).fill(0.5)); // large pieces: the collector has little to look through
}
