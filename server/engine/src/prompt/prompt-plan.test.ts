import { describe, expect, it } from 'vitest';
import { promptPlan, textsAt } from './prompt-plan.ts';

describe('promptPlan', () => {
  it('encodes each text once', () => {
    const plan = promptPlan('[a|b] AND [a:c:2]:0.5', 4);
    expect(plan.texts).toEqual(['a', 'b', ' a', ' c']);
    expect(plan.parts).toEqual([
      { weight: 1, schedule: [0, 1, 0, 1].map((text, index) => ({ endAt: index + 1, text })) },
      {
        weight: 0.5,
        schedule: [
          { endAt: 2, text: 2 },
          { endAt: 4, text: 3 },
        ],
      },
    ]);
  });

  it('says what counts in an evaluation', () => {
    const plan = promptPlan('[a|b] AND [a:c:2]:0.5', 4);
    const at = (evaluation: number) => textsAt(plan, evaluation).map(({ text }) => text);
    expect([0, 1, 2, 3, 4].map(at)).toEqual([
      ['a', ' a'],
      ['a', ' a'],
      ['b', ' a'],
      ['a', ' c'],
      ['b', ' c'],
    ]);
    expect(textsAt(plan, 0).map(({ weight }) => weight)).toEqual([1, 0.5]);
  });

  it('cuts no negative prompt', () => {
    expect(promptPlan('a AND b:2', 4, { isNegative: true }).texts).toEqual(['a AND b:2']);
  });

  it('plans a second pass', () => {
    expect(
      promptPlan('[a:b:1.5]', 10, { hiresSteps: 4 }).parts[0]!.schedule.map(({ endAt }) => endAt),
    ).toEqual([2, 4]);
  });
});
