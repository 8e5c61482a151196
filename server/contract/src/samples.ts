import type { JobPreview } from './events.ts';
import type { GenerationSettings } from './generation.ts';
import type { ImageView } from './images.ts';
import type { JobSnapshot } from './jobs.ts';
import type { ModelView } from './models.ts';

/* Values that are true to the contract, for tests of both sides: name what matters, the rest is plausible. */

export const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
export const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

export const sampleSettings = (some: Partial<GenerationSettings> = {}): GenerationSettings => ({
  prompt: 'a red apple',
  negativePrompt: '',
  model: 'starter',
  sampler: 'Euler a',
  scheduler: 'Automatic',
  steps: 20,
  width: 128,
  height: 128,
  cfgScale: 7,
  seed: 42,
  batchSize: 1,
  batchCount: 1,
  ...some,
});

export const sampleJob = (n: number, some: Partial<JobSnapshot> = {}): JobSnapshot => ({
  id: uuid(n),
  state: 'queued',
  seq: 0,
  settings: sampleSettings(),
  position: some.state === undefined || some.state === 'queued' ? 0 : null,
  progress: null,
  images: [],
  failure: null,
  attempt: 0,
  createdAt: at(n),
  startedAt: null,
  finishedAt: null,
  ...some,
});

export const sampleImage = (n: number, some: Partial<ImageView> = {}): ImageView => ({
  id: uuid(1000 + n),
  jobId: uuid(n),
  index: 0,
  name: `2026-01-01/0000${n}-42-a red apple.png`,
  width: 128,
  height: 128,
  sizeBytes: 12_345,
  seed: 42,
  parameters: 'a red apple\nSteps: 20, Sampler: Euler a, Seed: 42',
  missing: false,
  createdAt: at(n),
  ...some,
});

export const samplePreview = (job: number, some: Partial<JobPreview> = {}): JobPreview => ({
  jobId: uuid(job),
  image: 0,
  step: 1,
  seq: 1,
  mime: 'image/webp',
  data: new ArrayBuffer(4),
  ...some,
});

export const sampleModel = (name: string, some: Partial<ModelView> = {}): ModelView => ({
  name,
  fileName: `${name}.safetensors`,
  title: name,
  family: 'sd1',
  sizeBytes: 1_900_000_000,
  shortHash: null,
  description: null,
  usageHint: null,
  licence: null,
  samplePrompts: [],
  defaults: {},
  problem: null,
  ...some,
});
