import { decimal, trimmedEnd } from './python-text.ts';

/** A prompt of several that are followed at once, and how much it counts. */
export interface PromptPart {
  readonly text: string;
  readonly weight: number;
  /** Where it begins in the prompt. */
  readonly from: number;
}

const AND = /(?<![\p{L}\p{N}_])AND(?![\p{L}\p{N}_])/gu;
const DIGIT = /[\p{Nd}.]/u;

/**
 * Cuts a prompt at the word AND, as the webui does. A number behind a colon at the end of a part is its weight, 1 if there is
 * none, also where there is but one part. Liu et al. 2022, "Compositional visual generation", arXiv:2206.01714.
 * @returns At least one part, without white space behind it.
 */
export function splitAtAnd(prompt: string): PromptPart[] {
  const parts: PromptPart[] = [];
  let from = 0;
  for (const { index } of prompt.matchAll(AND)) {
    parts.push(partOf(prompt.slice(from, index), from));
    from = index + 'AND'.length;
  }
  return [...parts, partOf(prompt.slice(from), from)];
}

/** Reads `text : weight` from its end. */
function partOf(part: string, from: number): PromptPart {
  const end = trimmedEnd(part);
  let digits = end;
  while (digits > 0 && DIGIT.test(lastLetter(part, digits))) digits -= lastLetter(part, digits).length;
  const sign = digits > 0 && digits < end && '+-'.includes(part[digits - 1]!) ? digits - 1 : digits;
  const colon = trimmedEnd(part, sign) - 1;
  const weight = part[colon] === ':' ? decimal(part.slice(sign, end)) : null;
  if (weight === null) return { text: part.slice(0, end), weight: 1, from };
  return { text: part.slice(0, trimmedEnd(part, colon)), weight, from };
}

/** Before a place; two code units where these are one letter. */
function lastLetter(text: string, end: number): string {
  const pair = text.slice(Math.max(0, end - 2), end);
  return (pair.codePointAt(0) ?? 0) > 0xffff ? pair : text[end - 1]!;
}
