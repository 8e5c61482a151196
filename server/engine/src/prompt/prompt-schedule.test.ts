import { describe, expect, it } from 'vitest';
import { entryAt, scheduleOf, type PromptTiming } from './prompt-schedule.ts';

const schedule = (prompt: string, timing: Partial<PromptTiming> = {}) =>
  scheduleOf(prompt, { steps: 10, ...timing }).map(({ endAt, text }) => [endAt, text]);
const unchanged = (prompt: string) => expect(schedule(prompt)).toEqual([[10, prompt]]);

describe('scheduleOf', () => {
  it.each<[string, [number, string][]]>([
    [
      'a [b:c:3] d',
      [
        [3, 'a b d'],
        [10, 'a c d'],
      ],
    ],
    [
      'a [b:0.25]',
      [
        [2, 'a '],
        [10, 'a b'],
      ],
    ],
    [
      'a [b::.5]',
      [
        [5, 'a b'],
        [10, 'a '],
      ],
    ],
    [
      '[a:b: 4 ]',
      [
        [4, 'a'],
        [10, 'b'],
      ],
    ],
    [
      '[a:b:4e0]',
      [
        [4, 'a'],
        [10, 'b'],
      ],
    ],
    ['[a:b:1e999]', [[10, 'a']]],
    ['[a:b:0]', [[10, 'b']]],
    ['[a:b:-3]', [[10, 'b']]],
    ['[a:b:1.0]', [[10, 'a']]],
    [
      '[a:[b:c:7]:2]',
      [
        [2, 'a'],
        [7, 'b'],
        [10, 'c'],
      ],
    ],
    [
      '([a:b:3]:1.2) [c]',
      [
        [3, '(a:1.2) [c]'],
        [10, '(b:1.2) [c]'],
      ],
    ],
    [
      '\\[[a\\]:b:3]',
      [
        [3, '\\[a\\]'],
        [10, '\\[b'],
      ],
    ],
  ])('reads %j', (prompt, expected) => {
    expect(schedule(prompt)).toEqual(expected);
  });

  it('counts the second pass on from the first', () => {
    const hires = { hiresSteps: 6 };
    expect(schedule('[a:b:0.5]', hires)).toEqual([[6, 'b']]);
    expect(schedule('[a:b:1.5]', hires)).toEqual([
      [3, 'a'],
      [6, 'b'],
    ]);
    expect(schedule('[a:b:12]', hires)).toEqual([
      [2, 'a'],
      [6, 'b'],
    ]);
    expect(schedule('[a:b:1.5]', { ...hires, isOldTimeline: true })).toEqual([
      [1, 'a'],
      [10, 'b'],
    ]);
  });

  it('took any number below 1 for a share before', () => {
    expect(schedule('[a:b:5e-1]')).toEqual([[10, 'b']]);
    expect(schedule('[a:b:5e-1]', { isOldTimeline: true })).toEqual([
      [5, 'a'],
      [10, 'b'],
    ]);
  });

  it('goes round choices, step by step', () => {
    expect(schedule('[fe|]male', { steps: 3 })).toEqual([
      [1, 'female'],
      [2, 'male'],
      [3, 'female'],
    ]);
    expect(schedule('[a|[b:c:2]]', { steps: 4 })).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'a'],
      [4, 'c'],
    ]);
  });

  it.each([
    '',
    'a',
    '[a]',
    '(a:b)',
    '[a:b]',
    '[a:b:c]',
    '[a:b:c:3]',
    '[a:b:3',
    'a:b:3]',
    '[a:(b:c:3]',
    '[a:b:1.2.3]',
  ])('leaves %j', unchanged);

  it('takes the whole text as it is where the grammar has no answer', () => {
    for (const broken of ['|', '(a|b)', '[a|b:c]', '\\', 'x\\\ny']) unchanged(`[a:b:3] ${broken}`);
  });

  // Each was given to the reference's parser (lark 1.3.1).
  it.each<[string, string]>([
    ['[a:b:3]:y', 'a:y'],
    ['[a:b:3]::y', '[a:b:3]::y'],
    ['[a:b:3]:::y', 'a:::y'],
    ['[a:b:3]()y', 'a()y'],
    ['((a][:b:c [d:3]', '((a][:b:c '],
    ['[[a:b:3]:x]', '[a:x]'],
    ['[[[::0.5]]:a]', '[[[::0.5]]:a]'],
    ['([b c:0.5]:[:[\\[:]][[\\[:3]:3])', '([b c:0.5]:[:[\\[:]])'],
    ['[a:b:3])(a:b):', 'a)(a:b):'],
    [')([a:b:4])[(a:b):z', ')([a:b:4])[(a:b):z'],
  ])('decides like the reference in %j, which can be read in two ways', (prompt, first) => {
    expect(schedule(prompt)[0]![1]).toBe(first);
  });
});

describe('entryAt', () => {
  const entries = scheduleOf('[a:b:3]', { steps: 5 });
  const textAt = (evaluation: number) => entryAt(entries, evaluation).text;

  it('lets the first text last one evaluation longer than its number says', () => {
    expect([0, 1, 2, 3, 4, 5].map(textAt).join('')).toBe('aaaabb');
  });

  it('begins again past the end', () => {
    expect(textAt(6)).toBe('a');
  });
});
