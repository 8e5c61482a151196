import { describe, expect, it } from 'vitest';
import { withoutComments } from './comments.ts';
import { splitAtAnd } from './composition.ts';
import { parseEmphasis } from './emphasis.ts';
import { takeTags } from './extra-networks.ts';
import { scheduleOf } from './prompt-schedule.ts';

const parsers = {
  comments: withoutComments,
  tags: (text: string) => takeTags(text).text,
  composition: splitAtAnd,
  schedule: (text: string) => scheduleOf(text, { steps: 2 }),
  emphasis: parseEmphasis,
};

// What takes the square of their length would take minutes for these, and recursion would overflow the stack.
const LONG = 100_000;
const pieces = [
  '[',
  '(',
  ']',
  ')',
  '[a:',
  '[a|',
  ':1]',
  '|',
  '[]',
  '()',
  ')[',
  '[a:b:1]',
  '[a:b:1]::',
  '(a:1.1)',
  '#',
  '#\n',
];
const more = [
  '<',
  '<a:',
  '<a:b',
  '<a:>',
  '>',
  'AND ',
  ':1',
  ' ',
  '\n',
  '\\',
  '\\(',
  'BREAK ',
  '[:',
  '[ : 1 ]',
  '9',
  '\u{1d7ce}',
];

describe.each(Object.entries(parsers))('%s', (_, parse) => {
  it.each([...pieces, ...more])('reads %j over and over', (piece) => {
    expect(parse(piece.repeat(LONG / piece.length))).toBeDefined();
  });

  it('reads a megabyte of brackets', () => {
    expect(parse('['.repeat(1_000_000))).toBeDefined();
    expect(parse('[a:b:1]'.repeat(20_000))).toBeDefined();
  });

  it('reads nesting of any depth', () => {
    const depth = 30_000;
    expect(parse('[a:'.repeat(depth) + 'b' + ':1]'.repeat(depth))).toBeDefined();
    expect(parse('(['.repeat(depth) + 'b' + '])'.repeat(depth))).toBeDefined();
    expect(parse('[|'.repeat(depth) + 'b' + ']'.repeat(depth))).toBeDefined();
  });
});

describe('all parsers', () => {
  const letters = [
    ...'[]():|\\<>#=a1.,-+ \n\ufeff\x1c\ud800',
    ' AND ',
    ' BREAK ',
    '\u{1f600}',
    '[a:b:0.5]',
    '１',
  ];
  let state = 4711;
  const random = (below: number) => (state = (state * 48271) % 2147483647) % below;
  const randomText = () => Array.from({ length: random(40) }, () => letters[random(letters.length)]).join('');

  it('take any text', () => {
    for (let round = 0; round < 5000; round += 1) {
      const text = randomText();
      for (const parse of Object.values(parsers)) expect(parse(text), text).toBeDefined();
    }
  });

  it('keep text in which nothing has a meaning', () => {
    for (let round = 0; round < 2000; round += 1) {
      const text = randomText().replace(/[[\]():|\\#<]|AND|BREAK/g, 'x');
      expect(withoutComments(text)).toBe(text);
      expect(takeTags(text).text).toBe(text);
      expect(parseEmphasis(text)).toEqual([{ text, weight: 1 }]);
      expect(scheduleOf(text, { steps: 5 })).toEqual([{ endAt: 5, text }]);
    }
  });

  it('read escaped text back', () => {
    for (let round = 0; round < 2000; round += 1) {
      const text = randomText().replace(/BREAK|\n/g, 'x');
      const escaped = text.replace(/[[\]()\\]/g, '\\$&');
      expect(parseEmphasis(escaped)).toEqual([{ text, weight: 1 }]);
    }
  });

  it('end each schedule at its last step, in ascending order, with text of the prompt', () => {
    for (let round = 0; round < 5000; round += 1) {
      const text = randomText();
      const steps = 1 + random(8);
      const entries = scheduleOf(text, { steps });
      const ends = entries.map(({ endAt }) => endAt);
      expect(ends.at(-1)).toBe(steps);
      expect(ends.every((end, index) => end > (ends[index - 1] ?? 0))).toBe(true);
      for (const entry of entries) expect(isWithin(entry.text, text), `${entry.text} of ${text}`).toBe(true);
    }
  });
});

/** Whether a text is another without some of its characters. */
function isWithin(part: string, whole: string): boolean {
  let place = 0;
  for (let index = 0; index < whole.length && place < part.length; index += 1) {
    if (whole[index] === part[place]) place += 1;
  }
  return place === part.length;
}
