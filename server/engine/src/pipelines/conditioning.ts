import { guidanceWeights } from '../diffusion/guidance.ts';
import type { TextConditioning } from '../families/diffusion-model.ts';
import { CHUNK_LENGTH } from '../prompt/chunks.ts';
import { withoutComments } from '../prompt/comments.ts';
import { takeTags } from '../prompt/extra-networks.ts';
import { promptPlan, type PlannedPart, type PromptPlan } from '../prompt/prompt-plan.ts';
import { PromptEncoder, type TextModel, type TextSettings } from './encode-prompt.ts';
import type { Settings } from './settings.ts';

/** What a prompt is up to an evaluation of the guided model; see `entryAt`. */
export interface TimedConditioning {
  readonly endAt: number;
  readonly context: TextConditioning;
}

/** A prompt that is followed, over time, and how much it counts beside the others. */
export interface WeightedConditioning {
  readonly schedule: readonly TimedConditioning[];
  readonly weight: number;
}

/** What the prompts of a request come to. */
export interface Conditioning {
  readonly conds: readonly WeightedConditioning[];
  readonly uncond: readonly TimedConditioning[];
}

type PromptSettings = TextSettings &
  Pick<Settings, 'prompt' | 'negativePrompt' | 'cfgScale' | 'steps' | 'sampler'> &
  Partial<Pick<Settings, 'hasOldTimelines'>>;

/**
 * Encodes the prompt, part by part and moment by moment, and the negative prompt if it counts.
 * @param first Settings of the pass before, where this is the second.
 * @param signal Checked before every chunk.
 */
export async function conditionOnPrompts(
  model: TextModel,
  settings: PromptSettings,
  { signal, first }: { signal?: AbortSignal | undefined; first?: PromptSettings } = {},
): Promise<Conditioning> {
  const encoder = new PromptEncoder(model, settings, signal);
  const plan = planOf(settings, { text: settings.prompt, isNegative: false, first });
  const conds: WeightedConditioning[] = [];
  for (const part of plan.parts) {
    conds.push({ schedule: await encodePart(encoder, plan, part), weight: part.weight });
  }
  const longest = Math.max(...conds.map(({ schedule }) => schedule[0]!.context.dims[1]));
  return {
    conds: conds.map(({ schedule, weight }) => ({
      schedule: schedule.map(({ endAt, context }) => ({ endAt, context: lengthened(context, longest) })),
      weight,
    })),
    uncond: await unconditional(model, settings, { encoder, conds, first }),
  };
}

/**
 * Encodes one text at one moment, without looking for comments, tags, AND or changes over time.
 * @param signal Checked before every chunk.
 */
export async function conditionOn(
  model: TextModel,
  text: string,
  settings: TextSettings,
  signal?: AbortSignal,
): Promise<TextConditioning> {
  const [context] = await new PromptEncoder(model, settings, signal).encode([text]);
  return context!;
}

/** Evaluations of the guided model in a pass, as the webui counts them. */
const evaluationsOf = ({ steps, sampler }: PromptSettings): number =>
  sampler.isSecondOrder ? 2 * steps : steps;

function planOf(
  settings: PromptSettings,
  { text, isNegative, first }: { text: string; isNegative: boolean; first: PromptSettings | undefined },
): PromptPlan {
  const evaluations = evaluationsOf(settings);
  if (settings.conventions === 'diffusers') {
    return { texts: [text], parts: [{ weight: 1, schedule: [{ endAt: evaluations, text: 0 }] }] };
  }
  const commentless = withoutComments(text);
  return promptPlan(
    // Tags in negative prompts are text.
    isNegative ? commentless : takeTags(commentless).text,
    first ? evaluationsOf(first) : evaluations,
    {
      isNegative,
      isOldTimeline: settings.hasOldTimelines ?? false,
      ...(first && { hiresSteps: evaluations }),
    },
  );
}

async function encodePart(
  encoder: PromptEncoder,
  { texts }: PromptPlan,
  { schedule }: PlannedPart,
): Promise<TimedConditioning[]> {
  const contexts = await encoder.encode(schedule.map(({ text }) => texts[text]!));
  return schedule.map(({ endAt }, index) => ({ endAt, context: contexts[index]! }));
}

interface Surroundings {
  readonly encoder: PromptEncoder;
  readonly conds: readonly WeightedConditioning[];
  readonly first: PromptSettings | undefined;
}

async function unconditional(
  model: TextModel,
  settings: PromptSettings,
  { encoder, conds, first }: Surroundings,
): Promise<readonly TimedConditioning[]> {
  const [{ schedule }] = conds as [WeightedConditioning];
  const weights = conds.map(({ weight }) => weight);
  const isAsked = model.task === 'instruct' || settings.sampler.unguidedDivisor !== undefined;
  const counts = guidanceWeights(settings.cfgScale, weights).uncond !== 0 || isAsked;
  if (!counts) return schedule;
  const plan = planOf(settings, { text: settings.negativePrompt ?? '', isNegative: true, first });
  if (isZero(model, settings, plan)) {
    const [{ endAt, context }] = schedule as [TimedConditioning];
    return [{ endAt, context: nothing(context) }];
  }
  return encodePart(encoder, plan, plan.parts[0]!);
}

/**
 * Whether SDXL is told nothing at all in place of an empty negative prompt: one that is empty throughout in the webui, one
 * left out in diffusers, where the refiner's configuration says otherwise.
 */
function isZero(
  { card }: TextModel,
  { negativePrompt, conventions }: Pick<Settings, 'negativePrompt' | 'conventions'>,
  { texts }: PromptPlan,
): boolean {
  if (conventions === 'diffusers') return card.family === 'sdxl' && negativePrompt === null;
  return ['sdxl', 'sdxl-refiner'].includes(card.family) && texts.every((text) => text === '');
}

function nothing({ dims: [, , width], pooled }: TextConditioning): TextConditioning {
  const data = new Float32Array(CHUNK_LENGTH * width);
  const zeros = pooled === undefined ? {} : { pooled: new Float32Array(pooled.length) };
  return { data, dims: [1, CHUNK_LENGTH, width], ...zeros };
}

/** With the last token's vector over and over, as the webui brings prompts joined by AND to one length. */
function lengthened(context: TextConditioning, tokens: number): TextConditioning {
  const [, length, width] = context.dims;
  if (length === tokens) return context;
  const data = new Float32Array(tokens * width);
  data.set(context.data);
  const last = context.data.subarray((length - 1) * width);
  for (let token = length; token < tokens; token += 1) data.set(last, token * width);
  return { ...context, data, dims: [1, tokens, width] };
}
