/** The worker process: draws what the server asks for, and ends with it. It has no database, secrets or socket. */
import type { JobFailure } from '@atelier/contract';
import { dirname, sep } from 'node:path';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { drawTask } from './child/draw-task.ts';
import type { EngineDriver } from './child/driver.ts';
import { failureOf } from './failures.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './messages.ts';

const options = JSON.parse(process.argv[2] ?? 'null') as WorkerOptions;

// The server decides when this process ends: a Ctrl+C in its terminal reaches both, and it wants to finish first.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => process.exit(0));
// Built files only: Node starts threads from JavaScript.
new Worker(new URL('./child/parent-watch.js', import.meta.url), { workerData: options }).unref();

const say = (message: FromWorker): void => void process.send?.(message);
const driver = await openDriver(options);
let current: { task: number; abort: AbortController } | undefined;

process.on('message', (message: ToWorker) => {
  if (message.type === 'draw') void draw(message);
  else if (message.task === current?.task) current.abort.abort();
});
say({ type: 'ready' });

async function draw({ task, work }: Extract<ToWorker, { type: 'draw' }>): Promise<void> {
  const abort = new AbortController();
  current = { task, abort };
  try {
    const isDone = await drawTask(driver, work, abort.signal, (event) => say({ type: 'event', task, event }));
    say({ type: 'end', task, outcome: { type: isDone ? 'done' : 'cancelled' } });
  } catch (error) {
    if (abort.signal.aborted) say({ type: 'end', task, outcome: { type: 'cancelled' } });
    else {
      process.stderr.write(`${inspect(error)}\n`); // with its stack, for the server's log
      const failure = withoutFolder(failureOf(error), work.modelPath);
      say({ type: 'end', task, outcome: { type: 'failed', failure } });
    }
  }
}

/** People are told the model's name; where it lies on this machine is for the log. */
function withoutFolder(failure: JobFailure, modelPath: string): JobFailure {
  const folder = `${dirname(modelPath)}${sep}`;
  return modelPath === '' ? failure : { ...failure, detail: failure.detail.replaceAll(folder, '') };
}

/** Each engine is loaded only where it is used. */
async function openDriver({ engine, fake, drawing }: WorkerOptions): Promise<EngineDriver> {
  if (engine === 'fake') return (await import('./child/fake-driver.ts')).fakeDriver(fake);
  return (await import('./child/real-driver.ts')).realDriver(drawing);
}
