import { describe, expect, it } from 'vitest';
import { clipTokenizer } from '../pipelines/clip-tokenizer.ts';
import { countTokens, type TokenCountOptions } from './token-count.ts';

const tokenizer = await clipTokenizer();
const count = (prompt: string, options?: TokenCountOptions) => countTokens(prompt, tokenizer, options);
/** What of the prompt lies in each chunk. */
const texts = (prompt: string, options?: TokenCountOptions) =>
  count(prompt, options).chunks.map(({ range }) => range && prompt.slice(...range));

describe('countTokens', () => {
  it.each([
    ['', 0, 75],
    ['a cat', 2, 75],
    ['(a:1.3) [cat]', 2, 75],
    ['a <lora:x:1> cat # and a dog', 2, 75],
    ['a BREAK b', 76, 150],
    ['a BREAK', 75, 75],
    ['a AND b c d:0.5', 3, 75],
    ['[a:b c d:0.5]', 3, 75],
    ['[a|b c]', 2, 75],
    ['cat '.repeat(75), 75, 75],
    ['cat '.repeat(76), 76, 150],
  ])('counts %j', (prompt, tokens, limit) => {
    expect(count(prompt)).toMatchObject({ tokens, limit });
  });

  it('counts all of a negative prompt', () => {
    expect(count('a AND b', { isNegative: true }).tokens).toBe(3);
  });

  it('counts brackets where they are text', () => {
    expect(count('(a)', { emphasis: 'None' }).tokens).toBe(3);
  });

  it('says what of the prompt is in which chunk', () => {
    expect(texts('# x\n<a:b>one (two BREAK:1.2) three\\) BREAK  four')).toEqual([
      'one (two BREAK:1.2) three\\)',
      'four',
    ]);
    expect(texts('')).toEqual([null]);
    expect(texts('a # b\n BREAK (c:1.2)\n# d')).toEqual(['a', 'c']);
    const long = `${'cat '.repeat(70)}, dog [mouse:a white horse on a hill:3] end`;
    expect(texts(long)).toEqual([`${'cat '.repeat(70)},`, 'dog [mouse:a white horse on a hill:3] end']);
  });

  it('finds places in text whose length changes when it is composed', () => {
    const decomposed = 'e\u0301te\u0301 İx BREAK y';
    expect(texts(decomposed)).toEqual(['e\u0301te\u0301 İx', 'y']);
  });

  it('has ranges within the prompt, in order, and as many tokens as it says', () => {
    const pieces = [
      '[a:b c:',
      '0.5]',
      '(x',
      ':1.2)',
      ' BREAK ',
      ' AND ',
      '#',
      '\n',
      '<l:a>',
      'word ',
      ',',
      'ß\u0301',
    ];
    let state = 12345;
    const random = (below: number) => (state = (state * 48271) % 2147483647) % below;
    for (let round = 0; round < 300; round += 1) {
      const prompt = Array.from({ length: random(200) }, () => pieces[random(pieces.length)]).join('');
      const { tokens, limit, chunks } = count(prompt, { steps: 10 });
      expect(tokens).toBeLessThanOrEqual(limit);
      expect(limit / 75).toBeGreaterThanOrEqual(chunks.length);
      for (const { tokens: own, range } of chunks) {
        expect(own === 0).toBe(range === null);
        if (range === null) continue;
        expect(range[0]).toBeGreaterThanOrEqual(0);
        expect(range[0]).toBeLessThan(range[1]);
        expect(range[1]).toBeLessThanOrEqual(prompt.length);
      }
    }
  });
});

describe('Tokenizer.locate', () => {
  it.each([
    'a cat',
    "don't  stop",
    '<|endoftext|>x',
    'e\u0301 ﬁ İ ｃ',
    '\u{1f600}!!',
    'a\u0000b',
    '\ud800x',
    'x\u2000y',
  ])('gives the tokens of %j', (text) => {
    expect(tokenizer.locate(text).map(({ id }) => id)).toEqual(tokenizer.encode(text));
  });

  it('says where words are', () => {
    expect(tokenizer.locate('a Cat').map(({ from, to }) => [from, to])).toEqual([
      [0, 1],
      [2, 5],
    ]);
  });
});
