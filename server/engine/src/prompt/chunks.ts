import type { WeightedText } from './emphasis.ts';
import { BREAK } from './emphasis.ts';
import { COMMA_TOKEN, END_TOKEN, START_TOKEN } from './tokenizer.ts';

/** Tokens of a prompt that fit into one chunk. */
const CAPACITY = 75;
/** What the text encoder takes: 75 tokens between start and end. */
export const CHUNK_LENGTH = CAPACITY + 2;

/** One input of the text encoder, filled up with end tokens. */
export interface Chunk {
  readonly tokens: Int32Array;
  /** How much each token counts; 1 for start, end and filling. */
  readonly weights: readonly number[];
}

export interface ChunkOptions {
  /**
   * How far back from the end of a full chunk to look for a comma after which to break, in tokens. Default 20;
   * 0 = break anywhere.
   */
  commaBacktrack?: number;
}

/**
 * Cuts a prompt into chunks as the webui does. At least one; BREAK ends a chunk early.
 * @param encode The tokenizer.
 */
export function toChunks(
  pieces: readonly WeightedText[],
  encode: (text: string) => readonly number[],
  { commaBacktrack = 20 }: ChunkOptions = {},
): Chunk[] {
  const chunks: Chunk[] = [];
  let open: { token: number; weight: number }[] = [];
  let lastComma = -1;
  const finish = () => {
    chunks.push(filled(open));
    open = [];
    lastComma = -1;
  };
  for (const { text, weight } of pieces) {
    if (text === BREAK.text && weight === BREAK.weight) {
      finish();
      continue;
    }
    for (const token of encode(text)) {
      const isFull = open.length === CAPACITY;
      if (token === COMMA_TOKEN) lastComma = open.length;
      else if (isFull && lastComma >= 0 && CAPACITY - lastComma <= commaBacktrack) {
        const moved = open.splice(lastComma + 1);
        finish();
        open = moved;
      }
      if (open.length === CAPACITY) finish();
      open.push({ token, weight });
    }
  }
  if (open.length > 0 || chunks.length === 0) chunks.push(filled(open));
  return chunks;
}

function filled(content: readonly { token: number; weight: number }[]): Chunk {
  const tokens = new Int32Array(CHUNK_LENGTH).fill(END_TOKEN);
  tokens[0] = START_TOKEN;
  const weights = new Array<number>(CHUNK_LENGTH).fill(1);
  content.forEach(({ token, weight }, i) => {
    tokens[i + 1] = token;
    weights[i + 1] = weight;
  });
  return { tokens, weights };
}
