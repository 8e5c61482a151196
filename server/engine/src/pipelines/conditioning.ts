import { guidanceWeights } from '../diffusion/guidance.ts';
import type { DiffusionModel, TextConditioning } from '../families/diffusion-model.ts';
import { fitsEmbedding, type Embedding } from '../families/embedding.ts';
import type { Chunk } from '../prompt/chunks.ts';
import { CHUNK_LENGTH, toChunks } from '../prompt/chunks.ts';
import { EmbeddingNames } from '../prompt/embedding-names.ts';
import { splitAtAnd } from '../prompt/composition.ts';
import { parseEmphasis } from '../prompt/emphasis.ts';
import { weighted } from '../prompt/weighting.ts';
import { clipTokenizer } from './clip-tokenizer.ts';
import type { Settings } from './settings.ts';

/** What {@link conditionOn} asks of a model. */
type TextModel = Pick<DiffusionModel, 'encodeText' | 'textWidths' | 'card' | 'task'>;
type TextSettings = Pick<Settings, 'clipSkip' | 'conventions' | 'embeddings'>;

/** A prompt that is followed, and how much it counts beside the others. */
export interface WeightedConditioning {
  readonly context: TextConditioning;
  readonly weight: number;
}

/** What the prompts of a request come to. */
export interface Conditioning {
  readonly conds: readonly WeightedConditioning[];
  readonly uncond: TextConditioning;
}

/**
 * Encodes the prompt, part by part, and the negative prompt if it counts. `signal` is checked before every chunk.
 */
export async function conditionOnPrompts(
  model: TextModel,
  settings: TextSettings & Pick<Settings, 'prompt' | 'negativePrompt' | 'cfgScale'>,
  signal?: AbortSignal,
): Promise<Conditioning> {
  const { prompt, conventions } = settings;
  const parts = conventions === 'webui' ? splitAtAnd(prompt) : [{ text: prompt, weight: 1 }];
  const conds: WeightedConditioning[] = [];
  for (const { text, weight } of parts) {
    conds.push({ context: await conditionOn(model, text, settings, signal), weight });
  }
  const longest = Math.max(...conds.map(({ context }) => context.dims[1]));
  return {
    conds: conds.map(({ context, weight }) => ({ context: lengthened(context, longest), weight })),
    uncond: await unconditional(model, settings, conds, signal),
  };
}

async function unconditional(
  model: TextModel,
  settings: TextSettings & Pick<Settings, 'negativePrompt' | 'cfgScale'>,
  conds: readonly WeightedConditioning[],
  signal?: AbortSignal,
): Promise<TextConditioning> {
  const [{ context }] = conds as [WeightedConditioning];
  const weights = conds.map(({ weight }) => weight);
  const counts = guidanceWeights(settings.cfgScale, weights).uncond !== 0 || model.task === 'instruct';
  if (!counts) return context;
  if (isZero(model, settings)) return nothing(context);
  return conditionOn(model, settings.negativePrompt ?? '', settings, signal);
}

/**
 * Encodes one prompt: its chunks one by one, each weighted, side by side along the token axis. The vector for the whole text
 * is that of the first chunk.
 * @param settings See `Conventions`: `diffusers` takes the text as it is and cuts it after the first chunk.
 * @param signal Checked before every chunk.
 */
export async function conditionOn(
  model: TextModel,
  prompt: string,
  { clipSkip, conventions, embeddings }: TextSettings,
  signal?: AbortSignal,
): Promise<TextConditioning> {
  const tokenizer = await clipTokenizer();
  const encode = (text: string) => tokenizer.encode(text);
  const fitting = embeddings.filter((embedding) => fitsEmbedding(model.textWidths, embedding));
  const names = new EmbeddingNames(fitting, encode);
  const chunks =
    conventions === 'webui'
      ? toChunks(parseEmphasis(prompt), encode, { embeddings: names })
      : toChunks([{ text: prompt, weight: 1 }], encode, { commaBacktrack: 0, embeddings: names }).slice(0, 1);
  // The webui skips layers of SD 1.x only.
  const skip = conventions === 'webui' && model.card.family !== 'sd1' ? 1 : clipSkip;
  const encoded: TextConditioning[] = [];
  for (const chunk of chunks) {
    signal?.throwIfAborted();
    encoded.push(await encodeChunk(model, chunk, skip));
  }
  return sideBySide(encoded);
}

async function encodeChunk(
  model: TextModel,
  { tokens, weights, fixes }: Chunk<Embedding>,
  clipSkip: number,
): Promise<TextConditioning> {
  const encoded = await model.encodeText(tokens, clipSkip, fixes);
  return { ...encoded, data: weighted(encoded.data, weights, encoded.widths) };
}

function sideBySide(parts: readonly TextConditioning[]): TextConditioning {
  const [first] = parts;
  if (!first || parts.length === 1) return first!;
  const data = new Float32Array(first.data.length * parts.length);
  parts.forEach((part, i) => data.set(part.data, i * first.data.length));
  return { ...first, data, dims: [1, CHUNK_LENGTH * parts.length, first.dims[2]] };
}

/**
 * Whether SDXL is told nothing at all in place of an empty negative prompt: an empty one in the webui, one left out in
 * diffusers, where the refiner's configuration says otherwise.
 */
function isZero(
  { card }: TextModel,
  { negativePrompt, conventions }: Pick<Settings, 'negativePrompt' | 'conventions'>,
): boolean {
  if (conventions === 'diffusers') return card.family === 'sdxl' && negativePrompt === null;
  return ['sdxl', 'sdxl-refiner'].includes(card.family) && (negativePrompt ?? '') === '';
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
