import type { Health } from '@atelier/contract';
import { fork, type ChildProcess } from 'node:child_process';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import type { Log } from '../log.ts';
import { deathOf } from './death.ts';
import { jobFailure } from './failures.ts';
import { FromWorker, type ToWorker, type WorkerOptions } from './messages.ts';
import { Patience } from './patience.ts';
import type { DrawEvent, DrawingWorker, DrawOutcome, DrawTask } from './worker.ts';

interface Parts {
  config: Pick<
    Config,
    'engine' | 'fake' | 'threads' | 'provider' | 'optimise' | 'modelMemoryBytes' | 'watchdog' | 'modelsDir'
  >;
  log: Log;
  /** The worker's main file, built; a test that runs from sources names the built one. */
  entry?: string;
}

/** A process that has not reported ready after this long is replaced. */
const START_MS = 60_000;
const BACKOFF_MS = { first: 1_000, last: 60_000 };
/** Below the server, so that it answers while every core computes. */
const NICENESS = 5;
/** The fake engine needs no memory; a small heap makes its scripted exhaustion quick and harmless. */
const FAKE_HEAP_MB = 128;
const STDERR_KEPT = 4_000;

interface Running {
  number: number;
  onEvent: (event: DrawEvent) => void;
  end: (outcome: DrawOutcome) => void;
  patience: Patience;
  isCancelled: boolean;
}

/** Starts the worker process and replaces it whenever it dies. See {@link DrawingWorker}. */
export function createSupervisor({ config, log, entry = defaultEntry() }: Parts): DrawingWorker {
  let state: Health['worker']['state'] = 'stopped';
  let child: ChildProcess | undefined;
  let restarts = 0;
  let backoffMs = BACKOFF_MS.first;
  let isStopped = true;
  let timer: NodeJS.Timeout | undefined;
  let tasks = 0;
  let running: Running | undefined;
  /** Why we killed it, if we did. */
  let verdict: DrawOutcome | undefined;
  let waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];

  function spawn(): void {
    state = restarts === 0 ? 'starting' : 'restarting';
    let stderr = '';
    let wasReady = false;
    verdict = undefined;
    const started = fork(entry, [JSON.stringify(optionsOf(config))], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: scrubbedEnvironment(process.env),
      execArgv: config.engine === 'fake' ? [`--max-old-space-size=${FAKE_HEAP_MB}`] : [],
    });
    child = started;
    timer = setTimeout(() => started.kill('SIGKILL'), START_MS);
    started.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_KEPT);
      log.warn('worker', { pid: started.pid, text: text.trimEnd() });
    });
    started.on('error', (error) => log.error('The worker could not be started.', { error: error.message }));
    started.on('message', (raw) => {
      const message = FromWorker.safeParse(raw);
      if (!message.success) {
        log.error('The worker sent a message that does not fit.', {
          pid: started.pid,
          issue: message.error.message,
        });
        return end(jobCrash('The drawing process sent a message that makes no sense.'));
      }
      if (message.data.type === 'ready') {
        wasReady = true;
        clearTimeout(timer);
        backoffMs = BACKOFF_MS.first;
        becomeReady();
      } else receive(message.data);
    });
    // `close` comes after the last output, also where the process could not be started at all.
    started.on('close', (code, signal) => {
      clearTimeout(timer);
      if (child !== started) return;
      child = undefined;
      died(started.pid, wasReady, verdict ?? { type: 'crashed', failure: deathOf(code, signal, stderr) });
    });
    lowerPriority(started.pid);
  }

  function becomeReady(): void {
    state = 'ready';
    const resolved = waiting;
    waiting = [];
    for (const { resolve } of resolved) resolve();
  }

  function receive(message: Exclude<FromWorker, { type: 'ready' }>): void {
    if (running === undefined || message.task !== running.number) return; // of a task that is over
    if (message.type === 'event') {
      running.patience.note(message.event);
      running.onEvent(message.event);
    } else {
      const outcome = running.isCancelled ? { type: 'cancelled' as const } : message.outcome;
      becomeReady();
      finish(outcome);
    }
  }

  /** Kills the process; its task ends with `outcome` once it is gone. */
  function end(outcome: DrawOutcome): void {
    verdict ??= outcome;
    child?.kill('SIGKILL');
  }

  function finish(outcome: DrawOutcome): void {
    const ended = running;
    running = undefined;
    ended?.patience.end();
    ended?.end(outcome);
  }

  function died(pid: number | undefined, wasReady: boolean, outcome: DrawOutcome): void {
    if (isStopped) {
      state = 'stopped';
      return finish({ type: 'cancelled' });
    }
    const delayMs = wasReady ? 0 : backoffMs;
    if (!wasReady) backoffMs = Math.min(backoffMs * 2, BACKOFF_MS.last);
    const reason = 'failure' in outcome ? outcome.failure.detail : outcome.type;
    log.error('The worker died and is replaced.', { pid, reason, delayMs });
    restarts += 1;
    state = 'restarting';
    timer = setTimeout(spawn, delayMs);
    finish(running?.isCancelled ? { type: 'cancelled' } : outcome);
  }

  const send = (message: ToWorker): void => {
    child?.send(message, (error) => {
      if (error !== null) log.debug('A message did not reach the worker.', { error: error.message });
    });
  };

  return {
    start() {
      if (!isStopped) return;
      isStopped = false;
      spawn();
    },

    status: () => ({ state, pid: child?.pid ?? null, restarts }),

    ready() {
      if (state === 'ready') return Promise.resolve();
      if (isStopped) return Promise.reject(new Error('The worker is stopped'));
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },

    draw(work: DrawTask, onEvent) {
      if (state !== 'ready') return Promise.resolve({ type: 'unavailable' });
      state = 'busy';
      tasks += 1;
      return new Promise((resolve) => {
        const patience = new Patience(config.watchdog, work.settings, end);
        running = { number: tasks, onEvent, end: resolve, patience, isCancelled: false };
        send({ type: 'draw', task: tasks, work });
      });
    },

    cancel(patienceMs) {
      if (running === undefined) return;
      running.isCancelled = true;
      send({ type: 'cancel', task: running.number });
      if (patienceMs !== undefined) running.patience.atMost(patienceMs);
    },

    stop() {
      isStopped = true;
      clearTimeout(timer);
      for (const { reject } of waiting) reject(new Error('The worker was stopped'));
      waiting = [];
      const ending = child;
      if (ending === undefined) {
        state = 'stopped';
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        ending.once('close', () => resolve());
        ending.kill('SIGKILL'); // it holds nothing that could be lost
      });
    },
  };
}

const jobCrash = (detail: string): DrawOutcome => ({
  type: 'crashed',
  failure: jobFailure('worker-crashed', detail),
});

const defaultEntry = (): string => fileURLToPath(new URL('./worker-entry.js', import.meta.url));

const optionsOf = ({ engine, fake, modelsDir, ...config }: Parts['config']): WorkerOptions => ({
  parentPid: process.pid,
  engine,
  fake,
  drawing: {
    threads: config.threads,
    provider: config.provider,
    optimise: config.optimise,
    modelMemoryBytes: config.modelMemoryBytes,
    previewDecodersDir: join(modelsDir, 'vae-approx'),
  },
});

/**
 * Has glibc give large blocks back to the system at once. Without it 1.8 to 3 GB stayed with the process after a
 * full-size model was disposed of; with it about 0.15 GB do.
 */
const ALLOCATOR = { MALLOC_MMAP_THRESHOLD_: String(2 ** 20) };

const PASSED_ON = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'TMP',
  'TEMP',
  'TZ',
  'LD_LIBRARY_PATH',
  'SystemRoot',
];

/** Only what a program needs to run: whatever secrets the server was started with stay with it. */
function scrubbedEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passedOn: NodeJS.ProcessEnv = { ...ALLOCATOR };
  for (const name of PASSED_ON) if (env[name] !== undefined) passedOn[name] = env[name];
  return passedOn;
}

function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, NICENESS);
  } catch {
    // Not allowed here, or it is already gone: it then runs like the server.
  }
}
