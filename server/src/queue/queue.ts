import type { GenerationSettings, JobList, JobQuery, JobSnapshot } from '@atelier/contract';

/** A submitted body under an Idempotency-Key: the same key and body give the same job, another body is refused. */
export interface Idempotency {
  key: string;
  /** SHA-256 of the request as it came, in canonical form. */
  bodyHash: string;
}

/** Accepts, orders and reports jobs. Knows nothing of HTTP; settings are already checked and resolved. */
export interface Queue {
  /**
   * Stores the job durably, then resolves. Under a known key and body it answers the existing job.
   * @throws AppError `queue-full`, `insufficient-storage`, `idempotency-key-reuse`, `not-ready` (stopping).
   */
  submit(settings: GenerationSettings, idempotency?: Idempotency): Promise<JobSnapshot>;
  /** The job that was created under this key; looked up before a random seed is drawn again. */
  findByKey(idempotency: Idempotency): Promise<JobSnapshot | null>;
  find(id: string): Promise<JobSnapshot | null>;
  /** Newest first; with `active`, running and queued ones in the order they run. */
  list(query: JobQuery): Promise<JobList>;
  /**
   * Queued: never runs. Running: stops at the next step.
   * @throws AppError `not-found`; `conflict` if it has ended.
   */
  cancel(id: string): Promise<JobSnapshot>;
  counts(): Promise<{ queued: number; running: number }>;
}
