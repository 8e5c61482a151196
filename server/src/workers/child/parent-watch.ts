import { workerData } from 'node:worker_threads';

/*
 * A thread of the worker process. While a native call blocks the main thread, this one still notices that the server
 * died, and ends the process.
 */
const PERIOD_MS = 500;
const { parentPid } = workerData as { parentPid: number };

setInterval(() => {
  if (process.ppid !== parentPid) process.kill(process.pid, 'SIGKILL');
}, PERIOD_MS);
