import { z } from 'zod';

/** A problem of a file: what is wrong, and what to do. */
export const ModelProblem = z
  .strictObject({ type: z.string(), detail: z.string(), hint: z.string().nullable() })
  .meta({ id: 'ModelProblem' });
export type ModelProblem = z.output<typeof ModelProblem>;

/** Settings a checkpoint asks for; used where a request leaves them out. */
export const ModelDefaults = z
  .strictObject({
    sampler: z.string(),
    scheduler: z.string(),
    steps: z.int(),
    cfgScale: z.number(),
    width: z.int(),
    height: z.int(),
  })
  .partial()
  .meta({ id: 'ModelDefaults' });
export type ModelDefaults = z.output<typeof ModelDefaults>;

/** A checkpoint in models/checkpoints. A broken file is listed too, with its problem. */
export const ModelView = z
  .strictObject({
    /** Path below models/checkpoints without suffix; what a request names. */
    name: z.string(),
    fileName: z.string(),
    title: z.string(),
    family: z.enum(['sd1', 'sd2', 'sdxl', 'sdxl-refiner']).nullable(),
    sizeBytes: z.int().min(0),
    /** First 10 hex digits of the file's SHA-256; null until it is computed. */
    shortHash: z.string().nullable(),
    description: z.string().nullable(),
    usageHint: z.string().nullable(),
    licence: z.string().nullable(),
    samplePrompts: z.array(z.string()),
    defaults: ModelDefaults,
    problem: ModelProblem.nullable(),
  })
  .meta({ id: 'Model' });
export type ModelView = z.output<typeof ModelView>;

export const ModelList = z.strictObject({ models: z.array(ModelView) }).meta({ id: 'ModelList' });
export type ModelList = z.output<typeof ModelList>;

export const SamplerView = z
  .strictObject({
    name: z.string(),
    aliases: z.array(z.string()),
    /** The schedule that `Automatic` means for it. */
    defaultScheduler: z.string(),
    description: z.string(),
  })
  .meta({ id: 'Sampler' });
export type SamplerView = z.output<typeof SamplerView>;
export const SamplerList = z.strictObject({ samplers: z.array(SamplerView) }).meta({ id: 'SamplerList' });
export type SamplerList = z.output<typeof SamplerList>;

export const SchedulerView = z
  .strictObject({ name: z.string(), aliases: z.array(z.string()), description: z.string() })
  .meta({ id: 'Schedule' });
export type SchedulerView = z.output<typeof SchedulerView>;
export const SchedulerList = z
  .strictObject({ schedules: z.array(SchedulerView) })
  .meta({ id: 'ScheduleList' });
export type SchedulerList = z.output<typeof SchedulerList>;
