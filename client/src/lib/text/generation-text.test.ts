import { expect, test } from 'vitest';
import { promptOf } from './generation-text.ts';

const settings = 'Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 128x128';

test.each([
  ['a red apple\n' + settings, 'a red apple'],
  ['two\nlines\nNegative prompt: fog\nand rain\n' + settings, 'two\nlines'],
  [settings, ''],
  ['only words', 'only words'],
])('finds the prompt in %j', (text, prompt) => expect(promptOf(text)).toBe(prompt));
