import type { JobPreview } from '@atelier/contract';

/** The one side of a socket that previews need: whether it has sent what it was given, and the next time it has. */
interface Outlet {
  /** True if nothing waits to be sent. */
  isFree(): boolean;
  send(preview: JobPreview): void;
  /** Calls back each time everything was sent. */
  onFree(callback: () => void): void;
}

/**
 * Previews for one reader. While it is slow only the newest of each job is kept, so it never falls behind by more than
 * one, and never makes memory grow.
 */
export class PreviewFeed {
  readonly #outlet: Outlet;
  readonly #waiting = new Map<string, JobPreview>();

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
    outlet.onFree(() => this.#flush());
  }

  offer(preview: JobPreview): void {
    this.#waiting.set(preview.jobId, preview);
    this.#flush();
  }

  /** The job has ended: its preview is of no use any more. */
  forget(jobId: string): void {
    this.#waiting.delete(jobId);
  }

  #flush(): void {
    for (const [jobId, preview] of this.#waiting) {
      if (!this.#outlet.isFree()) return;
      this.#waiting.delete(jobId);
      this.#outlet.send(preview);
    }
  }
}
