import { expect, test } from 'vitest';
import { dayFolder, leadingNumber, pictureFileName } from './file-name.ts';

test('is number, seed and prompt', () => {
  expect(pictureFileName(12, 421337, 'a red apple')).toBe('00012-421337-a red apple.png');
  expect(pictureFileName(123456, 0, '')).toBe('123456-0.png');
});

test.each([
  [
    'A photo of <b>: "cat", (sitting:1.2) on/under a mat #1',
    'A photo of _b__ _cat_, (sitting_1.2) on_under a mat _1',
  ],
  ['../../etc/passwd', '.._.._etc_passwd'],
  ['  leading, trailing . . ', 'leading, trailing'],
  ['line\nfeed\ttab\0nul\u007f\u0085', 'line_feed_tab_nul__'],
  ['right\u202eto left\u2066', 'right_to left_'],
  ['half \ud83d a character', 'half _ a character'],
  ['一个红苹果 🍎', '一个红苹果 🍎'],
  ['cafe\u0301', 'caf\u00e9'],
])('makes %j one harmless component', (prompt, expected) => {
  expect(pictureFileName(1, 2, prompt)).toBe(`00001-2-${expected}.png`);
});

test('is cut to 128 characters of the prompt and 200 bytes, never within a character', () => {
  expect(pictureFileName(1, 2, 'x'.repeat(500))).toBe(`00001-2-${'x'.repeat(128)}.png`);
  const apples = pictureFileName(1, 4294967295, '🍎'.repeat(500));
  expect(Buffer.byteLength(apples)).toBeLessThanOrEqual(200);
  expect(apples).toMatch(/^00001-4294967295-(🍎){44}\.png$/u);
});

test('keeps within one component for every character there is', () => {
  const characters = Array.from({ length: 0x3000 }, (_, code) => String.fromCodePoint(code));
  const isHarmful = (prompt: string): boolean => /[/\\]|\p{Cc}|^\./u.test(pictureFileName(1, 2, prompt));
  expect(characters.filter((character) => isHarmful(character.repeat(3)))).toEqual([]);
});

test('reads its number back', () => {
  expect(leadingNumber('00042-7-x.png')).toBe(42);
  expect(leadingNumber('grid-0042.png')).toBeNull();
  expect(leadingNumber('2026')).toBeNull();
});

test('names the folder of a day by its local date', () => {
  expect(dayFolder(new Date(2026, 0, 31, 23, 59))).toBe('2026-01-31');
});
