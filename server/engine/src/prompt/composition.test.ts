import { describe, expect, it } from 'vitest';
import { splitAtAnd } from './composition.ts';

const split = (prompt: string) => splitAtAnd(prompt).map(({ text, weight }) => [text, weight]);

describe('splitAtAnd', () => {
  it.each([
    ['a cat', [['a cat', 1]]],
    ['', [['', 1]]],
    [
      'a cat AND a dog',
      [
        ['a cat', 1],
        [' a dog', 1],
      ],
    ],
    [
      'a cat:0.5 AND a dog : -1.',
      [
        ['a cat', 0.5],
        [' a dog', -1],
      ],
    ],
    ['a cat :1.2', [['a cat', 1.2]]],
    ['(a cat:1.2)', [['(a cat:1.2)', 1]]],
    [
      'SAND AND ANDY',
      [
        ['SAND', 1],
        [' ANDY', 1],
      ],
    ],
    [
      'AND',
      [
        ['', 1],
        ['', 1],
      ],
    ],
  ])('cuts %j', (prompt, parts) => {
    expect(split(prompt)).toEqual(parts);
  });

  // Searching all of the text for a weight at its end would take the square of its length: hours.
  it.each([' ', ':', ': 1', '1', ' :'])('takes "%s" a million times', (piece) => {
    expect(splitAtAnd(piece.repeat(1_000_000))).toHaveLength(1);
  });
});
