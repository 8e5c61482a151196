import { joinStretches, Origins, type Stretch } from './stretch.ts';

const WHOLE_LINES = /(?:^|\n)#[^\n]*(?:\n|$)/g;
const REST_OF_LINES = /#[^\n]*(?:\n|$)/g;

/** A prompt without its comments: `#` and all up to the end of the line, as the webui takes them out. */
export const withoutComments = (prompt: string): string => joinStretches(uncommented(prompt));

/** What is left of a prompt without comments, and where it stood. Each comment leaves one line feed. */
export function uncommented(prompt: string): Stretch[] {
  const withoutLines = cut(prompt, WHOLE_LINES);
  return new Origins(withoutLines).trace(cut(joinStretches(withoutLines), REST_OF_LINES));
}

function cut(text: string, comment: RegExp): Stretch[] {
  const left: Stretch[] = [];
  let start = 0;
  for (const match of text.matchAll(comment)) {
    const end = match.index + match[0].length;
    left.push({ text: text.slice(start, match.index), from: start }, { text: '\n', from: end - 1 });
    start = end;
  }
  return [...left, { text: text.slice(start), from: start }];
}
