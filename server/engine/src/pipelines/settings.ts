import type { SamplerEntry } from '../diffusion/samplers/index.ts';
import { samplerEntries } from '../diffusion/samplers/index.ts';
import type { ScheduleEntry } from '../diffusion/schedules/index.ts';
import { scheduleEntries } from '../diffusion/schedules/index.ts';
import type { SizeConditioning } from '../families/diffusion-model.ts';
import type { Embedding } from '../families/embedding.ts';
import type { ModelCard } from '../families/model-card.ts';
import { EMPHASIS_MODES, type EmphasisMode } from '../prompt/weighting.ts';
import { checkWithin, invalid, type Bounds } from './bounds.ts';
import { AUTOMATIC, byName, samplers, schedules } from './catalogue.ts';
import type { Conventions } from './conventions.ts';
import type { DrawingRequest, SizeRequest } from './generation-types.ts';
import { resolveGuidance, type GuidanceSettings } from './guidance-settings.ts';
import { resolveRefiner, type RefinerSettings } from './refiner-settings.ts';
import { checkKnobs, type SamplingKnobs } from './sampling-knobs.ts';
import { resolveSeed, type SeedSettings } from './seed-settings.ts';

/** A request with nothing left open, checked. */
export interface Settings {
  readonly prompt: string;
  /** null = none was given, which differs from an empty one in diffusers. */
  readonly negativePrompt: string | null;
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly cfgScale: number;
  readonly noise: SeedSettings;
  readonly sampler: SamplerEntry;
  /** null = the conventions' own choice for the sampler. */
  readonly schedule: ScheduleEntry | null;
  readonly clipSkip: number;
  readonly eta: number | null;
  readonly conventions: Conventions;
  readonly knobs: SamplingKnobs;
  readonly guidance: GuidanceSettings;
  /** null = none. */
  readonly refiner: RefinerSettings | null;
  readonly size: SizeConditioning;
  readonly embeddings: readonly Embedding[];
  readonly emphasis: EmphasisMode;
  readonly commaBacktrack: number;
  readonly hasOldTimelines: boolean;
}

const FALLBACK = {
  width: 512,
  height: 512,
  steps: 20,
  cfgScale: 7,
  sampler: 'Euler a',
  scheduler: AUTOMATIC.name,
};

/** Bounds that protect memory and time, far beyond what makes good pictures. */
const BOUNDS = {
  width: { min: 64, max: 4096, multipleOf: 8 },
  height: { min: 64, max: 4096, multipleOf: 8 },
  steps: { min: 1, max: 500, multipleOf: 1 },
  cfgScale: { min: 0, max: 100 },
  clipSkip: { min: 1, max: 12, multipleOf: 1 },
  eta: { min: 0, max: 1 },
  commaBacktrack: { min: 0, max: 74, multipleOf: 1 },
  strength: { min: 0, max: 1 },
  initialNoise: { min: 0, max: 2 },
  extraNoise: { min: 0, max: 1 },
  imageCfgScale: { min: 0, max: 100 },
  maskBlur: { min: 0, max: 64 },
  maskWeight: { min: 0, max: 1 },
  padding: { min: 0, max: 1024, multipleOf: 1 },
  hiresSteps: { min: 1, max: 500, multipleOf: 1 },
  hiresScale: { min: 1, max: 8 },
} satisfies Record<string, Bounds>;

/**
 * Fills in what a request leaves out, from the model's card, then from the defaults of the field.
 * @throws EngineError `invalid-request` that names the field, what was expected and what came.
 */
export function resolveSettings(
  request: DrawingRequest & SizeRequest,
  { defaults, family }: Pick<ModelCard, 'defaults'> & Partial<Pick<ModelCard, 'family'>>,
): Settings {
  const given = { ...FALLBACK, ...stated(defaults), ...stated(request) };
  const { negativePrompt = null, seed = 0, clipSkip = 1, eta = null, conventions = 'webui' } = given;
  const numbers = {
    width: given.width,
    height: given.height,
    steps: given.steps,
    cfgScale: given.cfgScale,
    clipSkip,
  };
  checkNumbers(numbers);
  const { emphasis = 'Original', commaBacktrack = 20, hasOldTimelines = false } = given;
  checkNumbers({ commaBacktrack, ...(eta !== null && { eta }) });
  if (!EMPHASIS_MODES.includes(emphasis)) {
    throw invalid(
      `There is no emphasis mode named "${String(emphasis)}".`,
      `Choose one of: ${EMPHASIS_MODES.join(', ')}.`,
    );
  }
  checkText('prompt', given.prompt);
  if (negativePrompt !== null) checkText('negativePrompt', negativePrompt);
  if (!['webui', 'diffusers'].includes(conventions)) {
    throw invalid(
      `There are no conventions named "${String(conventions)}".`,
      'Choose one of: webui, diffusers.',
    );
  }
  const sampler = found('sampler', byName(samplerEntries, given.sampler), given.sampler, samplers);
  const isAutomatic = byName([AUTOMATIC], given.scheduler) !== undefined;
  const schedule = isAutomatic
    ? null
    : found('scheduler', byName(scheduleEntries, given.scheduler), given.scheduler, schedules);
  const sides = [given.height, given.width] as const;
  const size = given.size ?? { original: sides, crop: [0, 0], target: sides };
  checkSize(size);
  const { prompt, embeddings = [] } = given;
  const texts = { prompt, negativePrompt, embeddings, emphasis, commaBacktrack, hasOldTimelines };
  // Diffusers guides by scales above 1 alone; the webui by all but 1.
  const asked = conventions === 'diffusers' ? Math.max(1, given.cfgScale) : given.cfgScale;
  const cfgScale = asked / (sampler.unguidedDivisor ?? 1);
  checkKnobs(given.knobs ?? {});
  const isSdxl = family === 'sdxl' || family === 'sdxl-refiner';
  const knobs = { ...given.knobs, schedule: { isSdxl, ...given.knobs?.schedule } };
  const noise = resolveSeed(seed, given, conventions);
  const guidance = resolveGuidance(given.guidance ?? {});
  const refiner = given.refiner ? resolveRefiner(given.refiner) : null;
  return {
    ...texts,
    ...numbers,
    noise,
    cfgScale,
    sampler,
    schedule,
    eta,
    conventions,
    size,
    knobs,
    guidance,
    refiner,
  };
}

/**
 * Checks fields that only some requests have.
 * @throws EngineError as {@link resolveSettings}
 */
export function checkNumbers(values: Partial<Record<keyof typeof BOUNDS, unknown>>): void {
  for (const [name, value] of Object.entries(values))
    checkWithin(name, value, BOUNDS[name as keyof typeof BOUNDS]);
}

/** The entries of an object that are not undefined, so that these do not hide defaults. */
function stated<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

function checkSize({ original, crop, target }: SizeConditioning): void {
  for (const [name, pair] of Object.entries({ original, crop, target })) {
    if (Array.isArray(pair) && pair.length === 2 && pair.every((side) => Number.isFinite(side))) continue;
    throw invalid(`Expected size.${name} to be two numbers but received ${String(pair)}.`);
  }
}

function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string') throw invalid(`Expected ${name} to be text but received ${String(value)}.`);
}

function found<T>(field: string, entry: T | undefined, name: string, all: readonly { name: string }[]): T {
  if (entry !== undefined) return entry;
  const choices = all.map((one) => one.name).join(', ');
  throw invalid(`There is no ${field} named "${name}".`, `Choose one of: ${choices}.`);
}
