import type { GenerationSettings, ImageView, JobFailure, JobProgress, JobSnapshot } from '@atelier/contract';
import type { JobRow } from '../storage/schema.ts';

interface Circumstances {
  seq: number;
  images: ImageView[];
  /** Of a running job. */
  progress: JobProgress | null;
  /** Of a queued job. */
  position: number | null;
}

/** A job as clients see it. */
export const toSnapshot = (row: JobRow, { seq, images, progress, position }: Circumstances): JobSnapshot => ({
  id: row.id,
  state: row.state,
  seq,
  settings: settingsOf(row),
  position: row.state === 'queued' ? position : null,
  progress: row.state === 'running' ? progress : null,
  images,
  failure: row.failure === null ? null : (JSON.parse(row.failure) as JobFailure),
  attempt: row.attempt,
  createdAt: row.created_at,
  startedAt: row.started_at,
  finishedAt: row.finished_at,
});

/** The settings were checked before they were stored. */
export const settingsOf = (row: JobRow): GenerationSettings => JSON.parse(row.settings) as GenerationSettings;
