import { expect, it } from 'vitest';
import { floatsFrom } from './floats.ts';

const bytesOf = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer);
const name = 'x';

it('reads every kind of half-precision number', () => {
  const bits = Uint16Array.of(0x3c00, 0xc000, 0x0000, 0x8000, 0x0001, 0x03ff, 0x7bff, 0x7c00, 0xfc00, 0x7e00);
  expect([...floatsFrom(bytesOf(bits), { name, dtype: 'F16' })]).toEqual([
    1,
    -2,
    0,
    -0,
    2 ** -24,
    1023 * 2 ** -24,
    65504,
    Infinity,
    -Infinity,
    NaN,
  ]);
});

it('reads bfloat16 as the upper half of a float32', () => {
  const bits = Uint16Array.of(0x3f80, 0xc049, 0xff80);
  expect([...floatsFrom(bytesOf(bits), { name, dtype: 'BF16' })]).toEqual([1, -3.140625, -Infinity]);
});

it('reads both kinds of eight bits', () => {
  const tiny = Uint8Array.of(0x38, 0xfe, 0x01, 0x00, 0x7f);
  expect([...floatsFrom(tiny, { name, dtype: 'F8_E4M3' })]).toEqual([1, -448, 2 ** -9, 0, NaN]);
  const wide = Uint8Array.of(0x3c, 0x7b, 0x01, 0xfc);
  expect([...floatsFrom(wide, { name, dtype: 'F8_E5M2' })]).toEqual([1, 57344, 2 ** -16, -Infinity]);
});

it('reads float32 and float64', () => {
  expect([...floatsFrom(bytesOf(Float32Array.of(1.5, -2)), { name, dtype: 'F32' })]).toEqual([1.5, -2]);
  expect([...floatsFrom(bytesOf(Float64Array.of(0.1)), { name, dtype: 'F64' })]).toEqual([Math.fround(0.1)]);
});

it('reads whole numbers and truth values', () => {
  const dtypes = [
    [BigInt64Array.of(-3n), 'I64'],
    [Int32Array.of(-3), 'I32'],
    [Int16Array.of(-3), 'I16'],
    [Int8Array.of(-3), 'I8'],
  ] as const;
  for (const [array, dtype] of dtypes) expect([...floatsFrom(bytesOf(array), { name, dtype })]).toEqual([-3]);
  expect([...floatsFrom(Uint8Array.of(0, 1), { name, dtype: 'BOOL' })]).toEqual([0, 1]);
});

it('does not take what it cannot read', () => {
  expect(() => floatsFrom(new Uint8Array(8), { name, dtype: 'C64' })).toThrow(RangeError);
});
