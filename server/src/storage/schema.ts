import type { JobState } from '@atelier/contract';
import type { Generated, Selectable } from 'kysely';

/** A job. Its settings never change; its state only as the queue's rules allow. */
interface JobsTable {
  /** Order of arrival; also the key of pages. */
  number: Generated<number>;
  id: string;
  user: string;
  state: JobState;
  /** Last sequence number written; progress in between is counted in memory. */
  seq: number;
  /** GenerationSettings as JSON. */
  settings: string;
  /** Pictures the job asks for. */
  pictures: number;
  /** Grows with every claim; only the holder of the newest may report results. */
  claim: number;
  /** How often drawing was tried; clean stops are taken back. */
  attempt: number;
  /** 1 once a running job was asked to stop. */
  cancel_requested: number;
  /** JobFailure as JSON. */
  failure: string | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
}

/** A picture. `intent`: promised, its file may or may not be there; `ready`: there, and listed. */
interface ImagesTable {
  /** Order of arrival; also the key of pages. */
  number: Generated<number>;
  id: string;
  job_id: string;
  /** Place within its job, from 0; unique with `job_id`. */
  idx: number;
  state: 'intent' | 'ready';
  /** Path below the outputs folder, with `/`. */
  name: string;
  size_bytes: number;
  /** SHA-256 of the file, hex. */
  sha256: string;
  /** Modification time of the file when it was last found whole, ms. */
  mtime_ms: number;
  width: number;
  height: number;
  seed: number;
  parameters: string;
  /** 1 while the file is gone or damaged. */
  missing: number;
  created_at: string;
}

/** Idempotency keys: which job a request under this key made. */
interface IdempotencyTable {
  user: string;
  key: string;
  body_hash: string;
  job_id: string;
  created_at: string;
}

/** When each user was last served, counted in claims; who waited longest is next. */
interface TurnsTable {
  user: string;
  served: number;
}

export interface Database {
  jobs: JobsTable;
  images: ImagesTable;
  idempotency_keys: IdempotencyTable;
  turns: TurnsTable;
}

export type JobRow = Selectable<JobsTable>;
export type ImageRow = Selectable<ImagesTable>;
