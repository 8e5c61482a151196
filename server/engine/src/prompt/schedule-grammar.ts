import type { PromptNode } from './prompt-node.ts';
import { SPACE } from './python-text.ts';
import type { Stretch } from './stretch.ts';
import { textStarts, type Piece } from './text-starts.ts';

/** A bracket that is open, and what is in it so far, cut at its colons or bars. */
interface Open {
  readonly bracket: string;
  /** Which mark it is. */
  readonly place: number;
  readonly parts: PromptNode[][];
  /** Colons or bars between the parts. */
  readonly separators: Stretch[];
}

const NUMBER = new RegExp(
  `^[${SPACE}]*([+-]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[${SPACE}]*$`,
);
const MARKS = new Set('[]():|');
const BACKSLASH = '\\';

/**
 * Reads the syntax of changes over time, without recursion and in time that is linear, whatever the text.
 *
 * The webui's grammar takes brackets and colons for text where they mean nothing, and thereby answers some prompts in more
 * than one way; which of them counts follows from how its parser works. See {@link settled}.
 * @returns null where that grammar has no answer, so that the whole text is taken as it is: a bar that is not between
 * choices, a backslash before nothing or before the end of a line.
 */
export function parseSchedule(prompt: string): PromptNode | null {
  const pieces: Piece[] = [];
  const open: Open[] = [];
  for (let place = 0; place < prompt.length;) {
    const end = endOfText(prompt, place);
    if (end === null) return null;
    const isMark = end === place;
    const stretch = { text: prompt.slice(place, isMark ? end + 1 : end), from: place };
    const piece: Piece = { stretch, isMark, group: null };
    pieces.push(piece);
    place += stretch.text.length;
    if (!isMark) open.at(-1)?.parts.at(-1)!.push(stretch);
    else if (!readMark(piece, pieces.length - 1, open)) return null;
  }
  return endAll(open) ? settled(pieces) : null;
}

/** Where the text ends that has no mark, `place` itself if there is none; null at a backslash before nothing. */
function endOfText(prompt: string, place: number): number | null {
  let end = place;
  while (end < prompt.length && !MARKS.has(prompt[end]!)) {
    if (prompt[end] === BACKSLASH) {
      end += 1;
      if (end === prompt.length || prompt[end] === '\n') return null;
    }
    end += 1;
  }
  return end;
}

/** @returns false if there is a bar that will never be between choices. */
function readMark(piece: Piece, place: number, open: Open[]): boolean {
  const { stretch } = piece;
  const innermost = open.at(-1);
  switch (stretch.text) {
    case '(':
    case '[':
      open.push({ bracket: stretch.text, place, parts: [[stretch]], separators: [] });
      return true;
    case ')':
    case ']': {
      const node = innermost ? closed(innermost, stretch) : null;
      if (!innermost || node === null) return endAll(open);
      open.pop();
      piece.group = { node, place: innermost.place };
      open.at(-1)?.parts.at(-1)!.push(node);
      return true;
    }
    default:
      if (!innermost) return stretch.text !== '|';
      if (!fits(innermost, stretch.text)) return false;
      innermost.separators.push(stretch);
      innermost.parts.push([]);
      return true;
  }
}

/** Open brackets turned out to be text, all of them as what is in a group must mean something. False for those with bars. */
function endAll(open: Open[]): boolean {
  const areText = open.every(({ separators: [first] }) => first?.text !== '|');
  open.length = 0;
  return areText;
}

/** Whether a separator may follow those before it. A bar where it cannot be between choices will never be text. */
function fits({ bracket, separators: [first] }: Open, separator: string): boolean {
  if (separator === '|') return bracket === '[' && (!first || first.text === '|');
  return first?.text !== '|';
}

/** What a bracket means once it is closed; null = nothing. */
function closed({ bracket, parts, separators }: Open, closing: Stretch): PromptNode | null {
  if (bracket !== (closing.text === ')' ? '(' : '[')) return null;
  const [[opening, ...first], second = []] = parts as [[Stretch, ...PromptNode[]], PromptNode[]?];
  if (separators.length === 0) return [opening, first, closing];
  if (bracket === '(') {
    return separators.length === 1 ? [opening, first, separators[0]!, second, closing] : null;
  }
  if (separators[0]!.text === '|') return { choices: [first, ...parts.slice(1)] };
  const when = separators.length <= 2 ? numberIn(parts.at(-1)!) : null;
  if (when === null) return null;
  return separators.length === 2
    ? { before: first, after: second, when }
    : { before: [], after: first, when };
}

function numberIn(part: readonly PromptNode[]): string | null {
  const [text] = part;
  if (part.length !== 1 || !text || !('text' in text)) return null;
  return NUMBER.exec(text.text)?.[1] ?? null;
}

/**
 * Chooses between the readings. From the end, a group counts wherever one ends; a mark that ends none is text, and so are as
 * many before it as {@link textStarts} says. `[a:b:3]::` is text, as three marks follow each other; with one or three colons
 * it is none.
 */
function settled(pieces: readonly Piece[]): PromptNode {
  const starts = textStarts(pieces);
  const reversed: PromptNode[] = [];
  for (let end = pieces.length; end > 0;) {
    const { group } = pieces[end - 1]!;
    if (group) {
      reversed.push(group.node);
      end = group.place;
      continue;
    }
    const start = starts[end - 1]!;
    for (let place = end - 1; place >= start; place -= 1) reversed.push(pieces[place]!.stretch);
    end = start;
  }
  return reversed.reverse();
}
