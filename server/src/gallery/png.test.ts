import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { inspectPng, withText } from './png.ts';

let png: Buffer;
const pixels = Buffer.from(Array.from({ length: 5 * 3 * 3 }, (_, i) => i * 5));

beforeAll(async () => {
  png = await sharp(pixels, { raw: { width: 5, height: 3, channels: 3 } })
    .png()
    .toBuffer();
});

test('reads the size of a whole PNG', () => {
  expect(inspectPng(png)).toEqual({ width: 5, height: 3, headerEnd: 33 });
});

test.each([
  ['Latin-1', 'prompt, é\nSteps: 20', 'tEXt', 'latin1'],
  ['anything else', '苹果 🍎\nSteps: 20', 'iTXt', 'utf8'],
] as const)('puts %s text before the picture data, unharmed', async (_, text, type, encoding) => {
  const written = withText(png, 'parameters', text);
  const at = written.indexOf(type);
  expect(at).toBe(37);
  expect(at).toBeLessThan(written.indexOf('IDAT'));
  const data = written.subarray(at + 4, at + 4 + written.readUInt32BE(at - 4));
  expect(data.subarray(0, 11).toString('latin1')).toBe('parameters\0');
  expect(data.toString(encoding).endsWith(text)).toBe(true);
  expect(inspectPng(written)).toMatchObject({ width: 5, height: 3 });
  // Another reader agrees, on the text (it takes Latin-1 for UTF-8, though) and on the pixels.
  const read = sharp(written);
  const misread = Buffer.from(text, encoding).toString('utf8');
  expect((await read.metadata()).comments).toEqual([{ keyword: 'parameters', text: misread }]);
  expect(await read.raw().toBuffer()).toEqual(pixels);
});

test('drops NUL, which would end the text', () => {
  expect(withText(png, 'parameters', 'a\0b').includes(Buffer.from('parameters\0ab'))).toBe(true);
});

test('refuses what is cut, damaged or no PNG', () => {
  for (let length = 0; length < png.length; length += 1) {
    expect(() => inspectPng(png.subarray(0, length))).toThrow(RangeError);
  }
  for (let at = 0; at < png.length; at += 1) {
    const damaged = Buffer.from(png);
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    expect(() => inspectPng(damaged), `byte ${at}`).toThrow(RangeError);
  }
  expect(() => inspectPng(Buffer.concat([png, Buffer.from('more')]))).toThrow(RangeError);
});
