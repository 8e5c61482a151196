import { z } from 'zod';
import { GenerationSettings } from './generation.ts';
import { ImageView } from './images.ts';

export const JobState = z
  .enum(['queued', 'running', 'succeeded', 'failed', 'cancelled'])
  .meta({ id: 'JobState' });
export type JobState = z.output<typeof JobState>;

/** What a running job is busy with. */
export const JobStage = z
  .enum(['loading', 'encoding', 'sampling', 'decoding', 'saving'])
  .meta({ id: 'JobStage' });
export type JobStage = z.output<typeof JobStage>;

export const JobProgress = z
  .strictObject({
    stage: JobStage,
    /** Index of the picture being drawn, from 0. */
    image: z.int().min(0),
    images: z.int().min(1),
    step: z.int().min(0),
    steps: z.int().min(1),
    /** Share of the whole job that is done, 0…1. */
    fraction: z.number().min(0).max(1),
    /** Time left for the whole job, from measured step times; null until a step was measured. */
    etaMs: z.number().min(0).nullable(),
  })
  .meta({ id: 'JobProgress' });
export type JobProgress = z.output<typeof JobProgress>;

export const JobFailure = z
  .strictObject({
    /** Stable name, e.g. `model-not-found`; see `PROBLEM_TYPES`. */
    type: z.string(),
    title: z.string(),
    detail: z.string(),
    hint: z.string().nullable(),
  })
  .meta({ id: 'JobFailure' });
export type JobFailure = z.output<typeof JobFailure>;

/** All that a client needs to draw a job. Each is complete: missing any earlier one does not matter. */
export const JobSnapshot = z
  .strictObject({
    id: z.uuid(),
    state: JobState,
    /** Grows with every change of this job, so a late message is recognised and dropped. */
    seq: z.int().min(0),
    settings: GenerationSettings,
    /** Jobs that will start before this one; 0 for the next one; null unless queued. */
    position: z.int().min(0).nullable(),
    progress: JobProgress.nullable(),
    images: z.array(ImageView),
    failure: JobFailure.nullable(),
    attempt: z.int().min(0),
    createdAt: z.iso.datetime(),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Job' });
export type JobSnapshot = z.output<typeof JobSnapshot>;

export const JobList = z
  .strictObject({ jobs: z.array(JobSnapshot), nextCursor: z.string().nullable() })
  .meta({ id: 'JobList' });
export type JobList = z.output<typeof JobList>;

/** Query of GET /api/v1/jobs. Newest first; `active` lists running and queued ones in the order they run. */
export const JobQuery = z.strictObject({
  active: z.stringbool().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(200).optional(),
});
export type JobQuery = z.output<typeof JobQuery>;

export const isActive = (state: JobState): boolean => state === 'queued' || state === 'running';
