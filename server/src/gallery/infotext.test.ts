import { sampleSettings } from '@atelier/contract/samples';
import { expect, test } from 'vitest';
import { infotext, numberText, settingsLine } from './infotext.ts';

const settings = sampleSettings({ model: 'folder/harbour-v2', width: 128, height: 192, seed: 1 });
const facts = { settings, seed: 1, schedule: 'Automatic', modelHash: '0f1e2d3c4b', version: 'Atelier 0.1.0' };
const line =
  'Steps: 20, Sampler: Euler a, Schedule type: Automatic, CFG scale: 7, Seed: 1, Size: 128x192, ' +
  'Model hash: 0f1e2d3c4b, Model: harbour-v2, RNG: CPU, Version: Atelier 0.1.0';

test('writes the prompt and one line of settings', () => {
  expect(infotext(facts)).toBe(`a red apple\n${line}`);
});

test('writes a negative prompt on a line of its own, with its further lines', () => {
  const text = infotext({
    ...facts,
    settings: { ...settings, prompt: 'two\nlines', negativePrompt: 'blur\nnoise' },
  });
  expect(text).toBe(`two\nlines\nNegative prompt: blur\nnoise\n${line}`);
});

test('leaves out a hash that is not known, and the line of an empty prompt', () => {
  const text = infotext({ ...facts, modelHash: null, settings: { ...settings, prompt: '' } });
  expect(text).toBe(line.replace('Model hash: 0f1e2d3c4b, ', ''));
});

test.each([
  [7, '7'],
  [7.5, '7.5'],
  [0.1 + 0.2, '0.30000000000000004'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [1.5e-7, '1.5e-07'],
  [1e16, '1e+16'],
  [123456789012345, '123456789012345'],
  [-2.5e-12, '-2.5e-12'],
  [0, '0'],
])('writes the number %d as %s', (value, text) => {
  expect(numberText(value)).toBe(text);
});

test.each([
  ['a, b', '"a, b"'],
  ['a:b', '"a:b"'],
  ['line\nfeed "q" \\ \t', '"line\\nfeed \\"q\\" \\\\ \\t"'],
  ['x:\u0001é中/', '"x:\\u0001é中/"'],
  ['"both"', '"\\"both\\""'],
  ['6" pipe', '6" pipe'],
  ['back\\slash', 'back\\slash'],
  [' spaces ', ' spaces '],
  ['"', '"'],
])('writes the value %j as %s', (value, text) => {
  expect(settingsLine([['Key', value]])).toBe(`Key: ${text}`);
});

test('writes a value that equals its key as the key alone, booleans in capitals, and no null', () => {
  const items = [
    ['Tiling', true],
    ['Same', 'Same'],
    ['None', null],
    ['Empty', ''],
  ] as const;
  expect(settingsLine(items)).toBe('Tiling: True, Same, Empty: ');
});
