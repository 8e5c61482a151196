import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clipTokenizer } from './clip-tokenizer.ts';

const tokenizer = await clipTokenizer();

describe('the CLIP tokenizer', () => {
  interface Fixture {
    cases: { text: string; ids: number[] }[];
  }
  const url = new URL('../../../test/fixtures/prompt/tokenizer.json', import.meta.url);
  const { cases } = JSON.parse(readFileSync(url, 'utf8')) as Fixture;

  it.each(cases)('encodes $text as transformers does', ({ text, ids }) => {
    expect(tokenizer.encode(text)).toEqual(ids);
  });

  it('takes a lone surrogate for the replacement character', () => {
    expect(tokenizer.encode('\ud83d')).toEqual(tokenizer.encode('\ufffd'));
  });

  // Checking every pair again after each merge would take minutes.
  it.each(['a', 'lorem', '!?', '你好世界', '👩‍👩‍👧', '\u0301', "'s", '<|endoftext|>', ' '])(
    'encodes "%s" over and over in little time',
    (piece) => {
      const began = performance.now();
      tokenizer.encode(piece.repeat(100_000 / piece.length));
      expect(performance.now() - began).toBeLessThan(5000);
    },
  );
});
