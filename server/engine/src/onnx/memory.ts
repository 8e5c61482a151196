import { freemem } from 'node:os';
import { EngineError } from '../errors.ts';
import { controlGroups, oldControlGroups, readSystemText, type ReadText } from './control-group.ts';

const MEBIBYTE = 2 ** 20;

/**
 * Memory that this process could still take, in bytes: what the machine has, or what its control group allows if that is
 * less. Cached file pages count as free, since a large model has just been read through the cache.
 */
export async function availableMemory(read: ReadText = readSystemText): Promise<number> {
  const candidates = await Promise.all([machineMemory(read), groupMemory(read), oldGroupMemory(read)]);
  return Math.max(0, Math.min(...candidates));
}

/** @throws EngineError `out-of-memory` with both numbers if `bytes` are not to be had. */
export async function requireMemory(purpose: string, bytes: number): Promise<void> {
  const available = await availableMemory();
  if (bytes <= available) return;
  throw new EngineError(
    'out-of-memory',
    `${Math.ceil(bytes / MEBIBYTE)} MiB of memory are needed to ${purpose}, and ${Math.floor(available / MEBIBYTE)} MiB are free.`,
    { hint: 'Choose a smaller size or model, or close other programs.' },
  );
}

async function machineMemory(read: ReadText): Promise<number> {
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(await read('/proc/meminfo'))?.[1];
  return kibibytes === undefined ? freemem() : Number(kibibytes) * 1024;
}

/** Control groups version 2: the tightest of the own group and those around it. */
async function groupMemory(read: ReadText): Promise<number> {
  let least = Infinity;
  for (const folder of await controlGroups(read)) {
    const limit = Number.parseInt(await read(`${folder}/memory.max`), 10); // "max" is no number
    if (Number.isNaN(limit)) continue;
    const used = Number.parseInt(await read(`${folder}/memory.current`), 10) || 0;
    least = Math.min(least, limit - used + reclaimable(await read(`${folder}/memory.stat`)));
  }
  return least;
}

/** Control groups version 1; "no limit" is a number beyond any machine's memory. */
async function oldGroupMemory(read: ReadText): Promise<number> {
  let least = Infinity;
  for (const folder of await oldControlGroups('memory', read)) {
    const limit = Number.parseInt(await read(`${folder}/memory.limit_in_bytes`), 10);
    if (Number.isNaN(limit)) continue;
    const used = Number.parseInt(await read(`${folder}/memory.usage_in_bytes`), 10) || 0;
    least = Math.min(least, limit - used + reclaimable(await read(`${folder}/memory.stat`)));
  }
  return least;
}

function reclaimable(stat: string): number {
  const value = (key: string): number => Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
  return value('active_file') + value('inactive_file');
}
