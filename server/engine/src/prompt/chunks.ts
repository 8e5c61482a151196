import type { WeightedText } from './emphasis.ts';
import { BREAK } from './emphasis.ts';
import type { EmbeddingNames, NamedVectors } from './embedding-names.ts';
import { COMMA_TOKEN, END_TOKEN, START_TOKEN } from './tokenizer.ts';

/** Tokens of a prompt that fit into one chunk. */
export const CAPACITY = 75;
/** What the text encoder takes: 75 tokens between start and end. */
export const CHUNK_LENGTH = CAPACITY + 2;

/** One input of the text encoder, filled up with end tokens. */
export interface Chunk<Embedding extends NamedVectors = NamedVectors> {
  readonly tokens: Int32Array;
  /** How much each token counts; 1 for start, end and filling. */
  readonly weights: readonly number[];
  /** What takes the place of tokens, which are 0 there. */
  readonly fixes: readonly ChunkFix<Embedding>[];
  /** For each of the prompt's own tokens in it, which of all of the prompt's tokens it is or stands for. */
  readonly origins: readonly number[];
  /** False for a last chunk that further tokens would go into. */
  readonly isClosed: boolean;
}

/** An embedding in a chunk, whose first vector takes the place of token `position`; the start token is 0. */
export interface ChunkFix<Embedding extends NamedVectors = NamedVectors> {
  readonly position: number;
  readonly embedding: Embedding;
}

export interface ChunkOptions<Embedding extends NamedVectors = NamedVectors> {
  /**
   * How far back from the end of a full chunk to look for a comma after which to break, in tokens. Default 20;
   * 0 = break anywhere.
   */
  readonly commaBacktrack?: number;
  /** Embeddings to look for. Each lies in one chunk as a whole; it may have at most 75 vectors. */
  readonly embeddings?: EmbeddingNames<Embedding>;
}

/**
 * Cuts a prompt into chunks as the webui does. At least one; BREAK ends a chunk early.
 * @param encode The tokenizer.
 */
export function toChunks<Embedding extends NamedVectors = NamedVectors>(
  pieces: readonly WeightedText[],
  encode: (text: string) => readonly number[],
  { commaBacktrack = 20, embeddings }: ChunkOptions<Embedding> = {},
): Chunk<Embedding>[] {
  const chunks: Chunk<Embedding>[] = [];
  let open: Open<Embedding> = { content: [], fixes: [] };
  let lastComma = -1;
  let passed = 0;
  const finish = () => {
    chunks.push(filled(open, true));
    open = { content: [], fixes: [] };
    lastComma = -1;
  };
  for (const { text, weight } of pieces) {
    if (text === BREAK.text && weight === BREAK.weight) {
      finish();
      continue;
    }
    const tokens = encode(text);
    for (let place = 0; place < tokens.length;) {
      const token = tokens[place]!;
      const isFull = open.content.length === CAPACITY;
      if (token === COMMA_TOKEN) lastComma = open.content.length;
      else if (isFull && lastComma >= 0 && CAPACITY - lastComma <= commaBacktrack) {
        // Tokens alone: as in the webui, the vectors of an embedding among them stay, over the filling of the old chunk.
        const moved = open.content.splice(lastComma + 1);
        finish();
        open.content = moved;
      }
      if (open.content.length === CAPACITY) finish();
      const found = embeddings?.at(tokens, place) ?? null;
      if (found === null) {
        open.content.push({ token, weight, origin: passed + place });
        place += 1;
        continue;
      }
      const { vectors } = found.embedding;
      if (open.content.length + vectors > CAPACITY) finish();
      open.fixes.push({ position: open.content.length + 1, embedding: found.embedding });
      for (let vector = 0; vector < vectors; vector += 1) {
        open.content.push({ token: 0, weight, origin: passed + place });
      }
      place += found.length;
    }
    passed += tokens.length;
  }
  if (open.content.length > 0 || chunks.length === 0) chunks.push(filled(open, false));
  return chunks;
}

/** A chunk that is being filled. */
interface Open<Embedding extends NamedVectors> {
  content: { token: number; weight: number; origin: number }[];
  readonly fixes: ChunkFix<Embedding>[];
}

function filled<Embedding extends NamedVectors>(
  { content, fixes }: Open<Embedding>,
  isClosed: boolean,
): Chunk<Embedding> {
  const tokens = new Int32Array(CHUNK_LENGTH).fill(END_TOKEN);
  tokens[0] = START_TOKEN;
  const weights = new Array<number>(CHUNK_LENGTH).fill(1);
  content.forEach(({ token, weight }, i) => {
    tokens[i + 1] = token;
    weights[i + 1] = weight;
  });
  return { tokens, weights, fixes, origins: content.map(({ origin }) => origin), isClosed };
}

/** A chunk without a prompt, with which shorter prompts of a batch are brought to the length of the longest. */
export const emptyChunk = <Embedding extends NamedVectors>(): Chunk<Embedding> =>
  filled({ content: [], fixes: [] }, false);

/** How many tokens a prompt has, as the webui counts them: closed chunks count as full. */
export const tokenCount = (chunks: readonly Chunk[]): number =>
  chunks.reduce((count, { origins, isClosed }) => count + (isClosed ? CAPACITY : origins.length), 0);
