import { describe, expect, it } from 'vitest';
import { uncommented, withoutComments } from './comments.ts';

describe('withoutComments', () => {
  it.each([
    ['a', 'a'],
    ['a # b', 'a \n'],
    ['#a\nb', '\nb'],
    ['a\n#b\nc', 'a\nc'],
    ['a\n#b\n#c\nd', 'a\n\nd'],
    ['a #b\nc', 'a \nc'],
    ['a #b\n#c\nd', 'a \nd'],
    ['#', '\n'],
    ['', ''],
  ])('makes of %j %j', (prompt, expected) => {
    expect(withoutComments(prompt)).toBe(expected);
  });

  it('says where what is left stood', () => {
    const prompt = 'ab #x\ncd\n#y\nef';
    for (const { text, from } of uncommented(prompt))
      expect(prompt.slice(from, from + text.length)).toBe(text);
  });
});
