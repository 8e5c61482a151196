/**
 * The reference's text functions are Python's, whose white space and digits are not quite JavaScript's: U+FEFF is no white
 * space, U+001C…U+001F and U+0085 are, and the digits of all scripts count.
 */

/** White space, as the inside of a character class. */
export const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const IS_SPACE = new RegExp(`[${SPACE}]`, 'u');
const DIGIT = /\p{Nd}/u;
const DIGITS = /\p{Nd}/gu;
const FLOAT = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$/;

export const isSpace = (character: string): boolean => IS_SPACE.test(character);

/** Where a text ends but for white space behind it. Searching backwards keeps this linear. */
export function trimmedEnd(text: string, end = text.length): number {
  let place = end;
  while (place > 0 && isSpace(text[place - 1]!)) place -= 1;
  return place;
}

/** Where a text begins but for white space before it. */
export function trimmedStart(text: string, start = 0): number {
  let place = start;
  while (place < text.length && isSpace(text[place]!)) place += 1;
  return place;
}

/** A text without white space at its ends. */
export function trimmed(text: string): string {
  const start = trimmedStart(text);
  return text.slice(start, Math.max(start, trimmedEnd(text)));
}

/** A number of digits of any script, a sign and a point; null if it is none. */
export function decimal(text: string): number | null {
  const latin = text.replace(DIGITS, (digit) => String(digitValue(digit.codePointAt(0)!)));
  return FLOAT.test(latin) ? Number(latin) : null;
}

/** Digits lie in Unicode in rows of ten that begin with 0, some rows side by side. */
function digitValue(codePoint: number): number {
  let first = codePoint;
  while (DIGIT.test(String.fromCodePoint(first - 1))) first -= 1;
  return (codePoint - first) % 10;
}
