import { z } from 'zod';
import { LIMITS } from './limits.ts';

const side = z
  .int()
  .min(LIMITS.side.min)
  .max(LIMITS.side.max)
  .multipleOf(LIMITS.side.multipleOf, `must be a multiple of ${LIMITS.side.multipleOf}`);

const fields = {
  prompt: z.string().max(LIMITS.promptLength).describe('What to draw. `(word:1.2)` stresses a word.'),
  negativePrompt: z.string().max(LIMITS.promptLength).describe('What to keep out of the picture.'),
  model: z.string().min(1).max(300).describe('Name of a checkpoint, as GET /api/v1/models lists it.'),
  sampler: z.string().min(1).max(100).describe('Name of a sampler, as GET /api/v1/samplers lists it.'),
  scheduler: z.string().min(1).max(100).describe('Name of a schedule, as GET /api/v1/schedules lists it.'),
  steps: z.int().min(LIMITS.steps.min).max(LIMITS.steps.max).describe('Sampling steps.'),
  width: side.describe('Pixels.'),
  height: side.describe('Pixels.'),
  cfgScale: z
    .number()
    .min(LIMITS.cfgScale.min)
    .max(LIMITS.cfgScale.max)
    .describe('Weight of classifier-free guidance; 1 turns it off.'),
  seed: z.int().min(LIMITS.seed.min).max(LIMITS.seed.max).describe('-1 picks one at random.'),
  batchSize: z.int().min(1).max(LIMITS.batchSize).describe('Pictures in one batch.'),
  batchCount: z.int().min(1).max(LIMITS.batchCount).describe('How many batches.'),
};

/**
 * A request as a client sends it: only the prompt is needed. What is left out is taken from the model's own
 * defaults (a checkpoint may state its native size and best settings), else from the defaults of the field.
 */
export const GenerationRequest = z
  .strictObject({
    prompt: fields.prompt,
    negativePrompt: fields.negativePrompt.default(''),
    model: fields.model.optional(),
    sampler: fields.sampler.optional(),
    scheduler: fields.scheduler.optional(),
    steps: fields.steps.optional(),
    width: fields.width.optional(),
    height: fields.height.optional(),
    cfgScale: fields.cfgScale.optional(),
    seed: fields.seed.default(-1),
    batchSize: fields.batchSize.default(1),
    batchCount: fields.batchCount.default(1),
  })
  .meta({ id: 'GenerationRequest' });
export type GenerationRequest = z.output<typeof GenerationRequest>;
export type GenerationRequestInput = z.input<typeof GenerationRequest>;

/** A request with nothing left open: the seed is drawn, the model is one that exists. This is what a job stores. */
export const GenerationSettings = z
  .strictObject({ ...fields, seed: z.int().min(0).max(LIMITS.seed.max) })
  .refine((s) => s.batchSize * s.batchCount <= LIMITS.picturesPerJob, {
    path: ['batchCount'],
    message: `batchSize × batchCount must not exceed ${LIMITS.picturesPerJob} pictures`,
  })
  .refine((s) => totalWork(s) <= LIMITS.totalWork, {
    path: ['steps'],
    message: `pictures × steps × width × height must not exceed ${LIMITS.totalWork}`,
  })
  .meta({ id: 'GenerationSettings' });
export type GenerationSettings = z.output<typeof GenerationSettings>;

interface Work {
  batchSize: number;
  batchCount: number;
  steps: number;
  width: number;
  height: number;
}
/** Sum over pictures of steps × pixels; bounded by {@link LIMITS.totalWork}. */
export function totalWork({ batchSize, batchCount, steps, width, height }: Work): number {
  return batchSize * batchCount * steps * width * height;
}

/** The settings used where neither the request nor the model says otherwise. */
export const FALLBACK_SETTINGS = {
  sampler: 'Euler a',
  scheduler: 'Automatic',
  steps: 20,
  width: 512,
  height: 512,
  cfgScale: 7,
} as const;
