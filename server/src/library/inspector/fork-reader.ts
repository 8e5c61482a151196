import { fork } from 'node:child_process';
import type { InspectorAnswer, InspectorReply, InspectorRequest } from './messages.ts';

/** One inspector process. */
export interface Reader {
  /** False once the process has ended, or is about to. */
  isUsable(): boolean;
  /** Never rejects: a death of the process is an answer. */
  ask(task: InspectorRequest['task'], path: string, limitMs: number): Promise<ReaderAnswer>;
  kill(): void;
}

type ReaderAnswer = InspectorAnswer | 'died' | 'too slow';

/** Room for a header at its limit of 100 MB, parsed. */
const MAX_HEAP_MB = 2048;

/** Starts a process that ends by itself when it had nothing to do for `idleMs`, or when this one ends. */
export function forkReader(entry: string, idleMs: number): Reader {
  const waiting = new Map<number, (answer: ReaderAnswer) => void>();
  let isUsable = true;
  let nextId = 1;
  let idle: NodeJS.Timeout | undefined;

  const child = fork(entry, [], {
    execArgv: [`--max-old-space-size=${MAX_HEAP_MB}`],
    env: {}, // nothing of the server's own
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const end = (): void => {
    isUsable = false;
    clearTimeout(idle);
    for (const settle of [...waiting.values()]) settle('died');
  };
  child.on('message', ({ id, answer }: InspectorReply) => waiting.get(id)?.(answer));
  child.once('error', end); // could not be started, or not be reached
  child.once('exit', end);

  const kill = (): void => {
    isUsable = false;
    child.kill('SIGKILL');
  };
  const rest = (): void => {
    if (waiting.size > 0 || !isUsable) return;
    idle = setTimeout(() => {
      isUsable = false;
      child.disconnect();
    }, idleMs);
    idle.unref();
  };

  return {
    isUsable: () => isUsable,
    kill,
    ask(task, path, limitMs) {
      clearTimeout(idle);
      const id = nextId++;
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          settle('too slow');
          kill();
        }, limitMs);
        const settle = (answer: ReaderAnswer): void => {
          clearTimeout(timer);
          if (!waiting.delete(id)) return;
          resolve(answer);
          rest();
        };
        waiting.set(id, settle);
        child.send({ id, task, path } satisfies InspectorRequest, (error) => {
          if (error !== null) settle('died');
        });
      });
    },
  };
}
