import { describe, expect, it } from 'vitest';
import { readStyles, writeStyles } from './styles-csv.ts';
import { withoutStyles, withStyle, withStyles, type Style } from './styles.ts';

const style = (name: string, prompt: string, negativePrompt = ''): Style => ({
  name,
  prompt,
  negativePrompt,
});
const styles = [
  style('oil', 'oil painting of {prompt}, thick paint', 'photo'),
  style('sharp', 'sharp, 8k'),
  style('none', ''),
];

describe('styles', () => {
  it.each([
    ['a cat', 'in oil', 'a cat, in oil'],
    [' a cat ', '', 'a cat'],
    ['', ' in oil', 'in oil'],
    ['a cat', '{prompt} and {prompt}!', 'a cat and a cat!'],
    [' a ', '{prompt}', ' a '],
  ])('puts round %j the text %j', (prompt, text, expected) => {
    expect(withStyle(prompt, text)).toBe(expected);
  });

  it('bounds how much styles repeat', () => {
    const prompt = 'x'.repeat(1000);
    expect(withStyle(prompt, '{prompt}'.repeat(1001))).toBe(prompt);
  });

  it.each([[['oil']], [['sharp']], [['sharp', 'oil']], [['oil', 'sharp']], [[]]])(
    'takes off what it put on: %j',
    (names) => {
      const prompts = { prompt: 'a cat', negativePrompt: 'blurry' };
      const styled = withStyles(prompts, names, styles);
      const found = withoutStyles(styled, styles);
      expect(found).toEqual({ ...prompts, names });
      expect(withStyles(found, found.names, styles)).toEqual(styled);
    },
  );

  it('needs both prompts to fit', () => {
    const prompts = { prompt: 'oil painting of a cat, thick paint', negativePrompt: '' };
    expect(withoutStyles(prompts, styles).names).toEqual([]);
  });
});

describe('readStyles', () => {
  it('reads what the webui writes', () => {
    const csv = '\ufeffname,prompt,negative_prompt\r\na,"x, ""y""\nz", n\r\n\r\n#b,c,d\r\na2,"",\r\n';
    expect(readStyles(csv)).toEqual([style('a', 'x, "y"\nz', 'n'), style('a2', '')]);
  });

  it('reads the older form, and the later of two with the same name', () => {
    expect(readStyles('name,text\na,1\nb,2\na,3')).toEqual([style('a', '3'), style('b', '2')]);
  });

  it.each(['', '"', 'name', 'x,y\n1,2', 'name\n"a', ',,,\n,,', 'name,prompt\n"a"b,"c'])(
    'never fails: %j',
    (csv) => {
      expect(Array.isArray(readStyles(csv))).toBe(true);
    },
  );

  it('reads what it writes', () => {
    const odd = [
      style(' a', 'x\r\ny', '"'),
      style('b,', ',', '#'),
      style('ä', ' ', '\n'),
      style('c', 'plain'),
    ];
    expect(readStyles(writeStyles(odd))).toEqual(odd);
  });

  it.each(['"', ',', '\n', 'a,', '""', '" '])('reads a million times %j', (piece) => {
    expect(readStyles(`name,prompt\n${piece.repeat(1_000_000)}`).length).toBeLessThan(20_001);
  });
});
