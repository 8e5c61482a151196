import { readFile } from 'node:fs/promises';

/** Reads a file of /proc or /sys; '' where there is none, as on other systems than Linux. */
export type ReadText = (path: string) => Promise<string>;

export const readSystemText: ReadText = (path) => readFile(path, 'utf8').catch(() => '');

/** Folders of the control group (version 2) of this process and of those around it, the innermost first. */
export async function controlGroups(read: ReadText): Promise<string[]> {
  const own = /^0::(\/.*)$/m.exec(await read('/proc/self/cgroup'))?.[1];
  if (own === undefined) return [];
  const parts = own.split('/').filter((part) => part !== '');
  return [...parts.keys(), parts.length]
    .map((depth) => ['/sys/fs/cgroup', ...parts.slice(0, depth)].join('/'))
    .reverse();
}
