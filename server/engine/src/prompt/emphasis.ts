/** A stretch of a prompt and how much it counts; 1 is normal. */
export interface WeightedText {
  readonly text: string;
  readonly weight: number;
}

/** What {@link parseEmphasis} gives for the word BREAK, which ends a chunk. */
export const BREAK: WeightedText = { text: 'BREAK', weight: -1 };

const ROUND = 1.1;
const SQUARE = 1 / 1.1;
/** Deeper brackets change nothing: 1.1 to this power is beyond all use, and the work stays linear. */
const MAX_DEPTH = 100;

/** An escaped character, a bracket, a weight before a closing bracket, a colon, or text up to the next of these. */
const PIECES = /\\[()[\]\\]?|[()[\]]|:\s*([+-]?[.\d]+)\s*\)|:|[^\\()[\]:]+/gu;
const BREAK_WORD = /(?<![\p{L}\p{N}_])BREAK(?![\p{L}\p{N}_])/u;

/**
 * Reads emphasis as the webui does: `(x)` counts 1.1 times as much, `[x]` 1/1.1 times, `(x:1.3)` 1.3 times, and
 * nesting multiplies. A bracket that is never closed reaches to the end, one that closes nothing is text, as is
 * `\(`. Neighbours of equal weight are joined.
 * @returns At least one piece. Pieces of {@link BREAK} stand for the word with its surrounding white space; within
 * brackets it is multiplied like any other and thereby loses its meaning.
 */
export function parseEmphasis(prompt: string): WeightedText[] {
  const pieces: { text: string; weight: number }[] = [];
  const opened = { '(': [] as number[], '[': [] as number[] };
  const add = (text: string) => {
    for (const piece of plain(text)) pieces.push(piece);
  };
  const close = (bracket: '(' | '[', factor: number) => {
    const from = opened[bracket].pop()!;
    if (opened[bracket].length >= MAX_DEPTH) return;
    for (let i = from; i < pieces.length; i++) pieces[i]!.weight *= factor;
  };
  for (const [text, digits] of prompt.matchAll(PIECES)) {
    const weight = digits === undefined ? NaN : Number(digits);
    if (text.startsWith('\\')) pieces.push({ text: text.slice(1), weight: 1 });
    else if (text === '(' || text === '[') opened[text].push(pieces.length);
    else if (text.endsWith(')') && opened['('].length > 0) {
      if (Number.isNaN(weight)) add(text.slice(0, -1));
      close('(', Number.isNaN(weight) ? ROUND : weight);
    } else if (text === ']' && opened['['].length > 0) close('[', SQUARE);
    else add(text);
  }
  for (const from of opened['('].slice(0, MAX_DEPTH)) {
    for (let i = from; i < pieces.length; i++) pieces[i]!.weight *= ROUND;
  }
  for (const from of opened['['].slice(0, MAX_DEPTH)) {
    for (let i = from; i < pieces.length; i++) pieces[i]!.weight *= SQUARE;
  }
  return joined(pieces);
}

/** Text of weight 1, cut at the word BREAK. */
function plain(text: string): { text: string; weight: number }[] {
  if (text === '') return [];
  const parts = text.split(BREAK_WORD);
  return parts.flatMap((part, i) => {
    const start = i > 0 ? part.trimStart() : part;
    const piece = { text: i + 1 < parts.length ? start.trimEnd() : start, weight: 1 };
    return i > 0 ? [{ ...BREAK }, piece] : [piece];
  });
}

function joined(pieces: readonly WeightedText[]): WeightedText[] {
  const runs: { texts: string[]; weight: number }[] = [];
  for (const { text, weight } of pieces) {
    const last = runs.at(-1);
    if (last?.weight === weight) last.texts.push(text);
    else runs.push({ texts: [text], weight });
  }
  if (runs.length === 0) return [{ text: '', weight: 1 }];
  return runs.map(({ texts, weight }) => ({ text: texts.join(''), weight }));
}
