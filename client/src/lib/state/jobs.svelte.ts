import { isActive } from '@atelier/contract';
import type { JobPreview, JobSnapshot, WatchReply } from '@atelier/contract';
import { SvelteMap } from 'svelte/reactivity';
import { Previews } from './previews.svelte.ts';

/** How many finished jobs are kept for the queue's history. */
const KEPT = 50;

/** Every job the server has told us about, and the newest preview of each running one. */
export class Jobs {
  readonly #byId = new SvelteMap<string, JobSnapshot>();
  readonly previews = new Previews();
  readonly running = $derived(this.#all().filter((job) => job.state === 'running'));
  /** In the order they will run. */
  readonly queued = $derived(
    this.#all()
      .filter((job) => job.state === 'queued')
      .sort((a, b) => (a.position ?? 0) - (b.position ?? 0) || a.createdAt.localeCompare(b.createdAt)),
  );
  /** Newest first. */
  readonly finished = $derived(
    this.#all()
      .filter((job) => !isActive(job.state))
      .sort((a, b) => (b.finishedAt ?? b.createdAt).localeCompare(a.finishedAt ?? a.createdAt)),
  );
  readonly activeCount = $derived(this.running.length + this.queued.length);

  get(id: string): JobSnapshot | null {
    return this.#byId.get(id) ?? null;
  }

  /** Takes a snapshot unless a newer one is known. Answers whether it was taken. */
  apply(job: JobSnapshot): boolean {
    if (job.seq <= (this.#byId.get(job.id)?.seq ?? -1)) return false;
    this.#byId.set(job.id, job);
    if (!isActive(job.state)) {
      this.previews.drop(job.id);
      for (const old of this.finished.slice(KEPT)) this.#byId.delete(old.id);
    }
    return true;
  }

  preview(preview: JobPreview): void {
    const job = this.#byId.get(preview.jobId);
    if (job !== undefined && !isActive(job.state)) return;
    this.previews.show(preview);
  }

  /**
   * Takes the state of a fresh watch.
   * @returns ids of jobs we thought active and the server did not name: they ended unseen, ask for them.
   */
  watched({ jobs, previews }: WatchReply): string[] {
    for (const job of jobs) this.apply(job);
    for (const preview of previews) this.preview(preview);
    return this.#all()
      .filter((job) => isActive(job.state) && !jobs.some(({ id }) => id === job.id))
      .map((job) => job.id);
  }

  /** For a job the server no longer knows. */
  forget(id: string): void {
    this.#byId.delete(id);
    this.previews.drop(id);
  }

  #all(): JobSnapshot[] {
    return [...this.#byId.values()];
  }
}
