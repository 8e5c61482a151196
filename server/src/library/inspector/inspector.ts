import { fileURLToPath } from 'node:url';
import type { Log } from '../../log.ts';
import { forkReader, type Reader } from './fork-reader.ts';
import type { InspectorAnswer } from './messages.ts';

/** Reads foreign model files outside the server process. */
export interface Inspector {
  /** Reads a file's header; a file that hangs or kills the reader gets that as its problem. */
  inspect(path: string): Promise<InspectorAnswer>;
  /** SHA-256 of a file, hex; null if it could not be read to its end. */
  hash(path: string, sizeBytes: number): Promise<string | null>;
  close(): Promise<void>;
}

interface Options {
  inspectMs?: number;
  /** The process is kept this long after its last task. */
  idleMs?: number;
  /** Script of the process. */
  entry?: string;
}

/** A disk slower than this is not waited for. */
const SLOWEST_BYTES_PER_MS = 2_000;
const HEADROOM_MS = 60_000;

/** The inspector: a process is forked when there is something to read and ended when there is not. */
export function startInspector(log: Log, options: Options = {}): Inspector {
  const { inspectMs = 30_000, idleMs = 30_000, entry = builtEntry() } = options;
  const inspections = oneByOne();
  let reader: Reader | null = null;
  let isClosed = false;

  const ask = async (task: 'inspect' | 'hash', path: string, limitMs: number): Promise<InspectorAnswer> => {
    if (isClosed) return { problem: { type: 'not-ready', detail: 'The server is stopping.', hint: null } };
    if (reader === null || !reader.isUsable()) reader = forkReader(entry, idleMs);
    const answer = await reader.ask(task, path, limitMs);
    if (answer === 'died') log.warn('The inspector died over a model file.', { task, path });
    if (answer === 'too slow') log.warn('The inspector took too long over a model file.', { task, path });
    return typeof answer === 'string' ? PROBLEMS[answer] : answer;
  };

  return {
    // One at a time, so that it is known which file a death belongs to.
    inspect: (path) => inspections(() => ask('inspect', path, inspectMs)),
    async hash(path, sizeBytes) {
      const answer = await ask('hash', path, HEADROOM_MS + sizeBytes / SLOWEST_BYTES_PER_MS);
      return 'sha256' in answer ? answer.sha256 : null;
    },
    async close() {
      isClosed = true;
      reader?.kill();
    },
  };
}

function oneByOne(): <T>(work: () => Promise<T>) => Promise<T> {
  let tail: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = tail.then(work);
    tail = result.catch(() => undefined); // its caller is told; the next one is not concerned
    return result;
  };
}

const PROBLEMS = {
  died: {
    problem: {
      type: 'model-invalid',
      detail: 'Reading this file ended the process that read it.',
      hint: 'The file is most likely damaged: download it again.',
    },
  },
  'too slow': {
    problem: {
      type: 'model-invalid',
      detail: 'Reading the header of this file took too long.',
      hint: 'Check that its disk works, then copy the file anew.',
    },
  },
} satisfies Record<string, InspectorAnswer>;

/** The process runs built code, also where this file runs from source, as in tests. */
function builtEntry(): string {
  const entry = fileURLToPath(new URL('./inspector-process.js', import.meta.url));
  return import.meta.url.endsWith('.ts') ? entry.replace('/server/src/', '/server/dist/src/') : entry;
}
