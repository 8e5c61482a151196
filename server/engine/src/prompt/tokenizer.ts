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
    for (const part of text.split(/(<\|(?:startoftext|endoftext)\|>)/)) {
      const special = SPECIAL.get(part);
      if (special !== undefined) ids.push(special);
      else this.#encodeWords(part, ids);
    }
    return ids;
  }

  #encodeWords(text: string, ids: number[]): void {
    for (const [word] of lowerCase(text.normalize('NFC')).matchAll(WORDS)) {
      for (const id of this.#bytePairs.encode(this.#utf8.encode(word))) ids.push(id);
    }
  }
}

/** Letter by letter: JavaScript alone would turn a Σ at the end of a word into ς. */
function lowerCase(text: string): string {
  return text.replace(/\p{Changes_When_Lowercased}/gu, (letter) => letter.toLowerCase());
}
