/** Runs `work`, handing out what it emits while it runs. Throws what it throws, after what it emitted. */
export async function* emitted<T>(
  work: (emit: (value: T) => void) => Promise<void>,
): AsyncGenerator<T, void> {
  const waiting: T[] = [];
  let isRunning = true;
  let wake = () => {};
  const emit = (value: T) => {
    waiting.push(value);
    wake();
  };
  const finished = work(emit).finally(() => {
    isRunning = false;
    wake();
  });
  finished.catch(() => {}); // it is thrown below, unless nobody listens any more
  while (isRunning || waiting.length > 0) {
    if (waiting.length > 0) yield waiting.shift()!;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
  await finished;
}
