import { describe, expect, it } from 'vitest';
import { rerunning } from './rerunning.ts';

/** Work whose runs the test ends one by one. */
function controlled(): { run: () => Promise<void>; ends: ((error?: Error) => void)[] } {
  const ends: ((error?: Error) => void)[] = [];
  const run = rerunning(
    () =>
      new Promise<void>((resolve, reject) => {
        ends.push((error) => (error === undefined ? resolve() : reject(error)));
      }),
  );
  return { run, ends };
}

describe('rerunning', () => {
  it('never overlaps, and runs once more for all who asked meanwhile', async () => {
    const { run, ends } = controlled();
    const first = run();
    const [second, third] = [run(), run()];
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await first;
    await Promise.resolve();
    expect(ends).toHaveLength(2);
    ends[1]?.();
    await Promise.all([second, third]);
    expect(ends).toHaveLength(2);
  });

  it('tells a failure to those who waited for that run, and goes on', async () => {
    const { run, ends } = controlled();
    const first = run();
    const second = run();
    ends[0]?.(new Error('no'));
    await expect(first).rejects.toThrow('no');
    ends[1]?.();
    await second;
  });
});
