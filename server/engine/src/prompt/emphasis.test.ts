import { describe, expect, it } from 'vitest';
import { parseEmphasis } from './emphasis.ts';

const parsed = (prompt: string) => parseEmphasis(prompt).map(({ text, weight }) => [text, weight]);

describe('parseEmphasis', () => {
  it.each([
    ['a red apple', [['a red apple', 1]]],
    [
      'a (red) apple',
      [
        ['a ', 1],
        ['red', 1.1],
        [' apple', 1],
      ],
    ],
    [
      'a [red] apple',
      [
        ['a ', 1],
        ['red', 1 / 1.1],
        [' apple', 1],
      ],
    ],
    [
      'a (red:1.5) apple',
      [
        ['a ', 1],
        ['red', 1.5],
        [' apple', 1],
      ],
    ],
    ['((red))', [['red', 1.1 * 1.1]]],
    [
      '(a (red : 2 ) apple:1.5)',
      [
        ['a ', 1.5],
        ['red ', 3],
        [' apple', 1.5],
      ],
    ],
    ['', [['', 1]]],
  ])('reads %s', (prompt, expected) => {
    expect(parsed(prompt)).toEqual(expected);
  });

  it('takes escaped brackets and lone closing ones for text', () => {
    expect(parsed('\\(a\\) b) c]')).toEqual([['(a) b) c]', 1]]);
    expect(parsed('a\\\\b\\c')).toEqual([['a\\bc', 1]]);
  });

  it('lets a bracket that is never closed reach to the end', () => {
    expect(parsed('a (b [c')).toEqual([
      ['a ', 1],
      ['b ', 1.1],
      ['c', 1.1 * (1 / 1.1)],
    ]);
  });

  it('joins neighbours of equal weight', () => {
    expect(parsed('(a)(b)')).toEqual([['ab', 1.1]]);
  });

  it('takes a number that is none for text', () => {
    expect(parsed('(a:1.2.3)')).toEqual([['a:1.2.3', 1.1]]);
    expect(parsed('(a:.)')).toEqual([['a:.', 1.1]]);
    expect(parsed('[a:1.3]')).toEqual([['a:1.3', 1 / 1.1]]);
  });

  it('marks BREAK, but not within a word', () => {
    expect(parsed('a BREAK b')).toEqual([
      ['a', 1],
      ['BREAK', -1],
      ['b', 1],
    ]);
    expect(parsed('aBREAK éBREAK')).toEqual([['aBREAK éBREAK', 1]]);
  });

  it('passes the syntax of prompt schedules on as text', () => {
    expect(parsed('[cat:dog:0.5] AND {x|y} <lora:z:1>')).toEqual([
      ['cat:dog:0.5', 1 / 1.1],
      [' AND {x|y} <lora:z:1>', 1],
    ]);
  });

  // A quadratic reader would take minutes for these; the bound leaves room for a busy machine.
  const LONG = 200_000;
  it.each([
    '(',
    '[',
    ')',
    '(a',
    '(a:',
    '(a)',
    '[(a:1.1)]',
    ':',
    ':1',
    ': ',
    ' ',
    '\\',
    'BREAK ',
    'BREAK(',
    '\n',
    'a',
  ])('reads "%s" over and over in little time', (piece) => {
    const began = performance.now();
    expect(parseEmphasis(piece.repeat(LONG / piece.length)).length).toBeGreaterThan(0);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
