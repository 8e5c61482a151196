import { expect, it } from 'vitest';
import { hintFrom } from './hint.ts';

const picture = { data: Uint8Array.of(0, 51, 102, 153, 204, 255), width: 2, height: 1 };

it('makes planes of a picture, in 0…1', () => {
  const { data, height, width } = hintFrom(picture);
  expect([height, width]).toEqual([1, 2]);
  expect(data).toEqual(Float32Array.of(0, 0.6, 0.2, 0.8, 0.4, 1));
});

it('marks what is to be drawn with −1, from half a mask on', () => {
  const mask = { data: Uint8Array.of(127, 128), width: 2, height: 1 };
  expect(hintFrom(picture, mask).data).toEqual(Float32Array.of(0, -1, 0.2, -1, 0.4, -1));
});

it('refuses a mask of another size', () => {
  const mask = { data: new Uint8Array(2), width: 1, height: 2 };
  expect(() => hintFrom(picture, mask)).toThrow('Expected a mask of 2x1 pixels');
});
