import { expect, it } from 'vitest';
import { ProtobufWriter } from './protobuf.ts';

const hex = (writer: ProtobufWriter): string => Buffer.from(writer.finish()).toString('hex');

// Expected bytes: the examples of https://protobuf.dev/programming-guides/encoding, or worked out by its rules.
it('writes whole numbers seven bits at a time', () => {
  expect(hex(new ProtobufWriter().int(1, 150))).toBe('089601');
  expect(hex(new ProtobufWriter().int(1, 0))).toBe('0800');
  expect(hex(new ProtobufWriter().int(16, 127))).toBe('80017f');
  expect(hex(new ProtobufWriter().int(1, Number.MAX_SAFE_INTEGER))).toBe('08ffffffffffffff0f');
});

it('writes negative numbers as 64-bit two’s complement', () => {
  expect(hex(new ProtobufWriter().int(1, -1))).toBe('08ffffffffffffffffff01');
  expect(hex(new ProtobufWriter().int(1, -2))).toBe('08feffffffffffffffff01');
});

it('writes text, packed numbers, floats and messages with their lengths', () => {
  expect(hex(new ProtobufWriter().string(2, 'testing'))).toBe('120774657374696e67');
  expect(hex(new ProtobufWriter().string(2, 'é'))).toBe('1202c3a9');
  expect(hex(new ProtobufWriter().ints(6, [3, 270, 86942]))).toBe('3206038e029ea705');
  expect(hex(new ProtobufWriter().float(1, 1))).toBe('0d0000803f');
  expect(hex(new ProtobufWriter().message(3, new ProtobufWriter().int(1, 150)))).toBe('1a03089601');
});

it('grows as it is written to', () => {
  const writer = new ProtobufWriter();
  for (let index = 0; index < 1000; index += 1) writer.string(1, 'x'.repeat(index));
  expect(writer.finish().length).toBeGreaterThan(499_500);
  expect(hex(new ProtobufWriter().int(1, 1).append(new ProtobufWriter().int(2, 2)))).toBe('08011002');
});
