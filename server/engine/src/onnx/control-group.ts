import { readFile } from 'node:fs/promises';

/** Reads a file of /proc or /sys; '' where there is none, as on other systems than Linux. */
export type ReadText = (path: string) => Promise<string>;

export const readSystemText: ReadText = (path) => readFile(path, 'utf8').catch(() => '');

/** Folders of the control group (version 2) of this process and of those around it, the innermost first. */
export async function controlGroups(read: ReadText): Promise<string[]> {
  const own = /^0::(\/.*)$/m.exec(await read('/proc/self/cgroup'))?.[1];
  return own === undefined ? [] : upwards('/sys/fs/cgroup', own);
}

/**
 * The same for version 1, where each controller has groups of its own. A container may see its group as the root, whatever
 * its path says.
 */
export async function oldControlGroups(controller: 'cpu' | 'memory', read: ReadText): Promise<string[]> {
  for (const line of (await read('/proc/self/cgroup')).split('\n')) {
    const [, controllers = '', own = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers.split(',').includes(controller)) return upwards(`/sys/fs/cgroup/${controller}`, own);
  }
  return [`/sys/fs/cgroup/${controller}`];
}

function upwards(root: string, path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return [...parts.keys(), parts.length].map((depth) => [root, ...parts.slice(0, depth)].join('/')).reverse();
}
