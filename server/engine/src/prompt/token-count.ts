import { CAPACITY, toChunks, tokenCount, type Chunk } from './chunks.ts';
import { uncommented } from './comments.ts';
import { splitAtAnd } from './composition.ts';
import { emphasisRuns, parseEmphasis, type WeightedRun } from './emphasis.ts';
import type { EmbeddingNames } from './embedding-names.ts';
import { untagged } from './extra-networks.ts';
import { boundaries, stretchesAt } from './prompt-schedule.ts';
import { parseSchedule } from './schedule-grammar.ts';
import { joinStretches, Origins, type Stretch } from './stretch.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { EmphasisMode } from './weighting.ts';

export interface TokenCountOptions {
  /** Steps of the pass, at which changes over time count. Default 20. */
  readonly steps?: number;
  /** Negative prompts are not cut at AND. Default false. */
  readonly isNegative?: boolean;
  readonly emphasis?: EmphasisMode;
  /** Default 20; see `toChunks`. */
  readonly commaBacktrack?: number;
  readonly embeddings?: EmbeddingNames<{ readonly name: string; readonly vectors: number }>;
}

/** How long the longest text of a prompt is. */
export interface TokenCount {
  readonly tokens: number;
  /** Up to how many tokens no further chunk is needed. */
  readonly limit: number;
  /** Those of the longest text. */
  readonly chunks: readonly CountedChunk[];
}

/** One chunk, and which characters of the prompt, as it was given, are in it. */
export interface CountedChunk {
  readonly tokens: number;
  /**
   * From the first character in it up to the end of the last, null where it holds nothing. A word whose tokens lie in two
   * chunks is in both.
   */
  readonly range: readonly [from: number, to: number] | null;
}

/**
 * Counts a prompt's tokens as the webui's counter does: without comments and tags, the longest of all texts that AND and
 * changes over time make of it, weights and BREAK understood.
 */
export function countTokens(
  prompt: string,
  tokenizer: Pick<Tokenizer, 'encode' | 'locate'>,
  options: TokenCountOptions = {},
): TokenCount {
  const { steps = 20, isNegative = false } = options;
  let longest: { variant: Stretch[]; chunks: Chunk[]; count: number } | null = null;
  const seen = new Set<string>();
  for (const variant of variantsOf(prompt, steps, isNegative)) {
    const text = joinStretches(variant);
    if (seen.has(text)) continue;
    seen.add(text);
    const chunks = toChunks(piecesOf(text, options), (piece) => tokenizer.encode(piece), options);
    const count = tokenCount(chunks);
    if (longest === null || count > longest.count) longest = { variant, chunks, count };
  }
  const { variant, chunks, count } = longest!;
  const places = placesOf(variant, tokenizer, options);
  return {
    tokens: count,
    limit: Math.max(1, Math.ceil(count / CAPACITY)) * CAPACITY,
    chunks: chunks.map(({ origins }) => ({ tokens: origins.length, range: rangeOf(origins, places) })),
  };
}

/** All texts that a prompt comes to, as stretches of it. At least one. */
function* variantsOf(prompt: string, steps: number, isNegative: boolean): Generator<Stretch[]> {
  const commentless = uncommented(prompt);
  const { stretches } = untagged(joinStretches(commentless));
  const kept = new Origins(commentless).trace(stretches);
  const origins = new Origins(kept);
  const whole = joinStretches(kept);
  for (const { text, from } of isNegative ? [{ text: whole, from: 0 }] : splitAtAnd(whole)) {
    const tree = parseSchedule(text);
    const part = (variant: readonly Stretch[]) =>
      origins.trace(variant.map((stretch) => ({ ...stretch, from: from + stretch.from })));
    if (tree === null) yield part([{ text, from: 0 }]);
    else for (const end of boundaries(tree, { steps })) yield part(stretchesAt(tree, end, { steps }));
  }
}

function piecesOf(text: string, { emphasis }: TokenCountOptions) {
  return emphasis === 'None' ? [{ text, weight: 1 }] : parseEmphasis(text);
}

/** Where each token of a text stands in the prompt. */
function placesOf(
  variant: readonly Stretch[],
  tokenizer: Pick<Tokenizer, 'locate'>,
  { emphasis }: TokenCountOptions,
): { from: number; to: number }[] {
  const origins = new Origins(variant);
  const text = joinStretches(variant);
  const plain: WeightedRun = { stretches: [{ text, from: 0 }], weight: 1 };
  const runs = emphasis === 'None' ? [plain] : emphasisRuns(text);
  return runs.flatMap(({ stretches, weight }) => {
    const piece = joinStretches(stretches);
    if (piece === 'BREAK' && weight === -1) return [];
    const traced = new Origins(origins.trace(stretches));
    return tokenizer
      .locate(piece)
      .map(({ from, to }) => ({ from: traced.at(from), to: traced.at(to - 1) + 1 }));
  });
}

function rangeOf(
  origins: readonly number[],
  places: readonly { from: number; to: number }[],
): CountedChunk['range'] {
  if (origins.length === 0) return null;
  let [from, to] = [Infinity, 0];
  for (const origin of origins) {
    from = Math.min(from, places[origin]!.from);
    to = Math.max(to, places[origin]!.to);
  }
  return [from, to];
}
