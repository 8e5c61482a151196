import { availableParallelism } from 'node:os';
import { controlGroups, oldControlGroups, readSystemText, type ReadText } from './control-group.ts';

/**
 * Threads for a network where a container may use less than the cores it sees; undefined leaves the choice to ONNX Runtime
 * (one for each physical core), which knows nothing of such quotas: with 16 threads on the time of 2 cores, all of them
 * are stopped most of the time.
 */
export async function threadsWithinQuota(
  read: ReadText = readSystemText,
  cores: number = availableParallelism(),
): Promise<number | undefined> {
  let least = Infinity;
  for (const folder of await controlGroups(read)) {
    const [, quota, period] = /^(\d+) (\d+)/.exec(await read(`${folder}/cpu.max`)) ?? []; // "max 100000" is no quota
    if (quota !== undefined) least = Math.min(least, Number(quota) / Number(period));
  }
  for (const folder of await oldControlGroups('cpu', read)) {
    const quota = Number.parseInt(await read(`${folder}/cpu.cfs_quota_us`), 10);
    const period = Number.parseInt(await read(`${folder}/cpu.cfs_period_us`), 10);
    if (quota > 0 && period > 0) least = Math.min(least, quota / period);
  }
  return least < cores ? Math.max(1, Math.ceil(least)) : undefined;
}
