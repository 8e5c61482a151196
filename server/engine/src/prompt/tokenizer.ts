import { BytePairs } from './byte-pairs.ts';

/** Marks the start of every chunk. */
export const START_TOKEN = 49406;
/** Marks the end of every chunk, and fills it up for CLIP-L. */
export const END_TOKEN = 49407;
/** "," as a word of its own. */
export const COMMA_TOKEN = 267;

const SPECIAL = new Map([
  ['<|startoftext|>', START_TOKEN],
  ['<|endoftext|>', END_TOKEN],
]);

const SPECIALS = /(<\|(?:startoftext|endoftext)\|>)/;
/** What lies between white space, across which nothing is composed. */
const RUNS = /\P{White_Space}+/gu;

/** English endings, runs of letters, single digits, runs of anything else but white space. */
const WORDS = /'(?:s|t|re|ve|m|ll|d)|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;

/**
 * CLIP's tokenizer, as transformers 5 has it: Unicode is composed (NFC) and put into lower case, then every word
 * is byte pair encoded. Radford et al. 2021, arXiv:2103.00020.
 */
export class Tokenizer {
  readonly #bytePairs: BytePairs;
  readonly #utf8 = new TextEncoder();

  /** @param merges See {@link BytePairs}; they lie in data/. */
  constructor(merges: Uint16Array) {
    this.#bytePairs = new BytePairs(merges);
  }

  /** Token ids, without start and end. Any text is fine; lone surrogates count as U+FFFD. */
  encode(text: string): number[] {
    const ids: number[] = [];
    for (const part of text.split(SPECIALS)) {
      const special = SPECIAL.get(part);
      if (special !== undefined) ids.push(special);
      else for (const [word] of wordsOf(part)) this.#encodeWord(word, ids);
    }
    return ids;
  }

  /**
   * The tokens of {@link encode}, and for each the characters that it is part of: those of its word, or of all between white
   * space where composing or lower case changes the text's length.
   */
  locate(text: string): { id: number; from: number; to: number }[] {
    const tokens: { id: number; from: number; to: number }[] = [];
    for (const { 0: run, index: start } of text.matchAll(RUNS)) {
      let from = start;
      for (const part of run.split(SPECIALS)) {
        const keepsLength = lowerCase(part.normalize('NFC')).length === part.length;
        const special = SPECIAL.get(part);
        if (special !== undefined) tokens.push({ id: special, from, to: from + part.length });
        else {
          for (const { 0: word, index } of wordsOf(part)) {
            const ids: number[] = [];
            this.#encodeWord(word, ids);
            const place = keepsLength
              ? { from: from + index, to: from + index + word.length }
              : { from, to: from + part.length };
            for (const id of ids) tokens.push({ id, ...place });
          }
        }
        from += part.length;
      }
    }
    return tokens;
  }

  #encodeWord(word: string, ids: number[]): void {
    for (const id of this.#bytePairs.encode(this.#utf8.encode(word))) ids.push(id);
  }
}

const wordsOf = (text: string) => lowerCase(text.normalize('NFC')).matchAll(WORDS);

/** Letter by letter: JavaScript alone would turn a Σ at the end of a word into ς. */
function lowerCase(text: string): string {
  return text.replace(/\p{Changes_When_Lowercased}/gu, (letter) => letter.toLowerCase());
}
