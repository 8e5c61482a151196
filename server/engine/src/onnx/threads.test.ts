import { expect, it } from 'vitest';
import { threadsWithinQuota } from './threads.ts';

const threads = (files: Record<string, string>, cores = 16): Promise<number | undefined> =>
  threadsWithinQuota((path) => Promise.resolve(files[path] ?? ''), cores);
const root = { '/proc/self/cgroup': '0::/\n' };

it('leaves the choice to the runtime where there is no quota', async () => {
  expect(await threads({})).toBeUndefined();
  expect(await threads({ ...root, '/sys/fs/cgroup/cpu.max': 'max 100000\n' })).toBeUndefined();
  expect(
    await threads({
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
    }),
  ).toBeUndefined();
});

it.each([
  ['200000 100000', 2],
  ['150000 100000', 2],
  ['50000 100000', 1],
])('keeps within a quota of %s', async (quota, expected) => {
  expect(await threads({ ...root, '/sys/fs/cgroup/cpu.max': quota })).toBe(expected);
});

it('keeps within the tightest quota around it', async () => {
  const files = {
    '/proc/self/cgroup': '0::/a/b\n',
    '/sys/fs/cgroup/a/cpu.max': '300000 100000',
    '/sys/fs/cgroup/a/b/cpu.max': '400000 100000',
  };
  expect(await threads(files)).toBe(3);
});

it('knows the older control groups', async () => {
  expect(
    await threads({
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '400000',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
    }),
  ).toBe(4);
});

it('needs no quota that allows more than there is', async () => {
  expect(await threads({ ...root, '/sys/fs/cgroup/cpu.max': '800000 100000' }, 4)).toBeUndefined();
});
