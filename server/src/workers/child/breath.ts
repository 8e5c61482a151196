import { setImmediate } from 'node:timers/promises';

/**
 * Lets the process read its messages. Two turns of the event loop: the first may have polled before a long native
 * call blocked it, so what came meanwhile is only read in the second.
 */
export async function breath(): Promise<void> {
  await setImmediate();
  await setImmediate();
}
