import { expect, it } from 'vitest';
import { availableMemory, requireMemory } from './memory.ts';

const MEMINFO = 'MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:    8000 kB\n';
const available = (files: Record<string, string>): Promise<number> =>
  availableMemory((path) => Promise.resolve(files[path] ?? ''));

it('is what the machine has left, its caches counted as free', async () => {
  expect(await available({ '/proc/meminfo': MEMINFO })).toBe(8000 * 1024);
});

it('is what the control group has left, if that is less', async () => {
  const group = {
    '/proc/meminfo': MEMINFO,
    '/proc/self/cgroup': '0::/\n',
    '/sys/fs/cgroup/memory.max': '3000000\n',
    '/sys/fs/cgroup/memory.current': '2500000\n',
    '/sys/fs/cgroup/memory.stat': 'anon 1000\nactive_file 1000000\ninactive_file 500000\n',
  };
  expect(await available(group)).toBe(2_000_000);
  expect(await available({ ...group, '/sys/fs/cgroup/memory.max': 'max\n' })).toBe(8000 * 1024);
});

it('looks at the groups around the own one', async () => {
  const files = {
    '/proc/meminfo': MEMINFO,
    '/proc/self/cgroup': '0::/system.slice/atelier.service\n',
    '/sys/fs/cgroup/system.slice/atelier.service/memory.max': 'max',
    '/sys/fs/cgroup/system.slice/memory.max': '1000000',
    '/sys/fs/cgroup/system.slice/memory.current': '400000',
  };
  expect(await available(files)).toBe(600_000);
});

it('knows the older control groups, whose "no limit" is a huge number', async () => {
  const folder = '/sys/fs/cgroup/memory';
  const files = (limit: string): Record<string, string> => ({
    '/proc/meminfo': MEMINFO,
    '/proc/self/cgroup': '9:memory:/docker/abc\n',
    [`${folder}/memory.limit_in_bytes`]: limit,
    [`${folder}/memory.usage_in_bytes`]: '300000',
    [`${folder}/memory.stat`]: 'active_file 0\ninactive_file 100000\n',
  });
  expect(await available(files('1000000'))).toBe(800_000);
  expect(await available(files('9223372036854771712'))).toBe(8000 * 1024);
});

it('looks at the older groups around the own one, of which a container sees the innermost as the root', async () => {
  const files = {
    '/proc/meminfo': MEMINFO,
    '/proc/self/cgroup': '5:cpu,cpuacct:/\n4:memory:/user/studio\n',
    '/sys/fs/cgroup/memory/user/studio/memory.limit_in_bytes': '700000\n',
    '/sys/fs/cgroup/memory/user/studio/memory.usage_in_bytes': '100000\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
  };
  expect(await available(files)).toBe(600_000);
});

it('is something on a system without such files', async () => {
  expect(await available({})).toBeGreaterThan(0);
});

it('is refused with both numbers when it is not enough', async () => {
  await expect(requireMemory('draw', 1024)).resolves.toBeUndefined();
  await expect(requireMemory('draw 8x8 pixels', 2 ** 60)).rejects.toMatchObject({
    code: 'out-of-memory',
    message: expect.stringMatching(
      /^\d+ MiB of memory are needed to draw 8x8 pixels, and \d+ MiB are free\.$/,
    ) as string,
    hint: expect.any(String) as string,
  });
});
