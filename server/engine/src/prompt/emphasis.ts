import { decimal, SPACE, trimmedEnd, trimmedStart } from './python-text.ts';
import { joinStretches, type Stretch } from './stretch.ts';

/** A stretch of a prompt and how much it counts; 1 is normal. */
export interface WeightedText {
  readonly text: string;
  readonly weight: number;
}

/** Pieces of a prompt side by side that count the same, and where they stood. */
export interface WeightedRun {
  readonly stretches: readonly Stretch[];
  readonly weight: number;
}

/** What {@link parseEmphasis} gives for the word BREAK, which ends a chunk. */
export const BREAK: WeightedText = { text: 'BREAK', weight: -1 };

const ROUND = 1.1;
const SQUARE = 1 / 1.1;
/** Deeper brackets change nothing: 1.1 to this power is beyond all use, and the work stays linear. */
const MAX_DEPTH = 100;

/** An escaped character, a bracket, a weight before a closing bracket, a colon, or text up to the next of these. */
const PIECES = new RegExp(
  `\\\\[()[\\]\\\\]?|[()[\\]]|:[${SPACE}]*([+-]?[.\\p{Nd}]+)[${SPACE}]*\\)|:|[^\\\\()[\\]:]+`,
  'gu',
);
const BREAK_WORD = /(?<![\p{L}\p{N}_])BREAK(?![\p{L}\p{N}_])/gu;

/**
 * Reads emphasis as the webui does: `(x)` counts 1.1 times as much, `[x]` 1/1.1 times, `(x:1.3)` 1.3 times, and
 * nesting multiplies. A bracket that is never closed reaches to the end, one that closes nothing is text, as is
 * `\(`. Neighbours of equal weight are joined. What looks like a weight but is no number, as in `(a:1.2.3)`, is text; the
 * webui fails there.
 * @returns At least one piece. Pieces of {@link BREAK} stand for the word with its surrounding white space; within
 * brackets it is multiplied like any other and thereby loses its meaning.
 */
export function parseEmphasis(prompt: string): WeightedText[] {
  return emphasisRuns(prompt).map(({ stretches, weight }) => ({ text: joinStretches(stretches), weight }));
}

/** As {@link parseEmphasis}, with the places of all text. */
export function emphasisRuns(prompt: string): WeightedRun[] {
  const pieces: WeightedStretch[] = [];
  const opened = { '(': [] as number[], '[': [] as number[] };
  const add = (text: string, from: number) => {
    for (const piece of plain(text, from)) pieces.push(piece);
  };
  const close = (bracket: '(' | '[', factor: number) => {
    const from = opened[bracket].pop()!;
    if (opened[bracket].length >= MAX_DEPTH) return;
    for (let i = from; i < pieces.length; i++) pieces[i]!.weight *= factor;
  };
  for (const match of prompt.matchAll(PIECES)) {
    const [text, digits] = match;
    const from = match.index;
    const weight = digits === undefined ? null : decimal(digits);
    if (text.startsWith('\\')) pieces.push({ text: text.slice(1), from: from + 1, weight: 1 });
    else if (text === '(' || text === '[') opened[text].push(pieces.length);
    else if (text.endsWith(')') && opened['('].length > 0) {
      if (weight === null) add(text.slice(0, -1), from);
      close('(', weight ?? ROUND);
    } else if (text === ']' && opened['['].length > 0) close('[', SQUARE);
    else add(text, from);
  }
  for (const from of opened['('].slice(0, MAX_DEPTH)) {
    for (let i = from; i < pieces.length; i++) pieces[i]!.weight *= ROUND;
  }
  for (const from of opened['['].slice(0, MAX_DEPTH)) {
    for (let i = from; i < pieces.length; i++) pieces[i]!.weight *= SQUARE;
  }
  return joined(pieces);
}

interface WeightedStretch extends Stretch {
  weight: number;
}

/** Text of weight 1, cut at the word BREAK. */
function plain(text: string, from: number): WeightedStretch[] {
  if (text === '') return [];
  const pieces: WeightedStretch[] = [];
  let start = 0;
  const add = (until: number) =>
    pieces.push({ text: text.slice(start, until), from: from + start, weight: 1 });
  for (const { index } of text.matchAll(BREAK_WORD)) {
    add(Math.max(start, trimmedEnd(text, index)));
    pieces.push({ text: BREAK.text, from: from + index, weight: BREAK.weight });
    start = trimmedStart(text, index + BREAK.text.length);
  }
  add(text.length);
  return pieces;
}

function joined(pieces: readonly WeightedStretch[]): WeightedRun[] {
  const runs: { stretches: Stretch[]; weight: number }[] = [];
  for (const { text, from, weight } of pieces) {
    const last = runs.at(-1);
    if (last?.weight === weight) last.stretches.push({ text, from });
    else runs.push({ stretches: [{ text, from }], weight });
  }
  return runs.length === 0 ? [{ stretches: [], weight: 1 }] : runs;
}
