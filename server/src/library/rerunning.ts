/**
 * Work that is asked for often and must not overlap. A call while it runs waits for one further run, shared by all who
 * ask meanwhile, so that each caller sees a run that began after its call.
 */
export function rerunning(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;

  const run = (): Promise<void> => {
    running = work().finally(() => {
      running = null;
    });
    return running;
  };
  return () => {
    if (running === null) return run();
    next ??= running
      .catch(() => undefined) // told to those who waited for that run
      .then(() => {
        next = null;
        return run();
      });
    return next;
  };
}
