import { describe, expect, it } from 'vitest';
import { ByteReader } from '../byte-reader.ts';
import { FormatError } from '../format-error.ts';
import { PickleContext, readPickle } from './machine.ts';
import * as op from './opcodes.ts';
import { bytesOf, dict, global, int, pickleBytes, tensor, text, tuple } from './pickle-bytes.ts';
import { Inert, PickleDict, PickledTensor, PickleList, PickleTuple, type PickleValue } from './values.ts';

const read = (...codes: Parameters<typeof pickleBytes>): PickleValue =>
  readPickle(new ByteReader(pickleBytes(...codes)), new PickleContext());

describe('values', () => {
  it.each<[string, Buffer | number, PickleValue]>([
    ['none', op.NONE, null],
    ['true', op.NEWTRUE, true],
    ['a negative integer', int(-7), -7],
    ['an unsigned byte', Buffer.of(op.BININT1, 255), 255],
    ['an integer as text', Buffer.from('I-12\n'), -12],
    ['a long as text', Buffer.from('L9007199254740993L\n'), 9007199254740993n],
    ['a long', Buffer.of(op.LONG1, 2, 0x00, 0xff), -256],
    ['a long of nothing', Buffer.of(op.LONG1, 0), 0],
    ['a float', Buffer.from([op.BINFLOAT, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]), 1.5],
    ['a text', text('é\u0000'), 'é\u0000'],
    ['an old text', Buffer.from([op.SHORT_BINSTRING, 2, 0xe9, 0x41]), 'éA'],
  ])('%s', (_, codes, expected) => {
    expect(read(codes)).toBe(expected);
  });

  it('are put into lists, tuples and dicts', () => {
    expect(read(op.EMPTY_LIST, op.MARK, int(1), int(2), op.APPENDS)).toMatchObject({ items: [1, 2] });
    expect(read(int(1), int(2), int(3), op.TUPLE3)).toMatchObject({ items: [1, 2, 3] });
    const made = read(dict(text('__proto__'), int(1), text('constructor'), int(2)));
    expect(made).toBeInstanceOf(PickleDict);
    expect([...(made as PickleDict).entries]).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ]);
  });

  it('are recalled, also within themselves', () => {
    const list = read(op.EMPTY_LIST, op.BINPUT, 0, op.BINGET, 0, op.APPEND);
    expect(list).toBeInstanceOf(PickleList);
    expect((list as PickleList).items[0]).toBe(list);
  });

  it('of training leftovers are inert, whatever is done to them', () => {
    const cls = global('pytorch_lightning.callbacks', 'Anything');
    expect(read(cls, op.EMPTY_TUPLE, op.REDUCE)).toBeInstanceOf(Inert);
    expect(read(cls, op.EMPTY_TUPLE, op.NEWOBJ, dict(text('a'), int(1)), op.BUILD)).toBeInstanceOf(Inert);
    expect(read(op.MARK, op.INST, Buffer.from('omegaconf.x\nY\n'))).toBeInstanceOf(Inert);
    expect(read(op.MARK, cls, op.OBJ, int(1), int(2), op.SETITEM)).toBeInstanceOf(Inert);
    expect(
      read(text('argparse'), text('Namespace'), op.STACK_GLOBAL, op.EMPTY_TUPLE, op.NEWOBJ),
    ).toBeInstanceOf(Inert);
  });

  it('that are tensors know their layout', () => {
    const found = read(tensor('0', 12, { offset: 1, shape: [2, 3], strides: [1, 4] }));
    expect(found).toBeInstanceOf(PickledTensor);
    expect(found).toMatchObject({ dtype: 'F32', offset: 1, shape: [2, 3], strides: [1, 4] });
  });
});

describe('a name', () => {
  const names = [
    ['os', 'system'],
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['builtins', 'getattr'],
    ['__builtin__', 'exec'],
    ['subprocess', 'Popen'],
    ['torch', 'load'],
    ['torch.storage', '_load_from_bytes'],
    ['torch', 'hub.load'],
    ['collections', 'OrderedDict.__class__'],
    ['collections', 'Counter'],
    ['numpy', 'load'],
    ['pytorch_lightningx', 'A'],
    ['pytorch_lightning/../os', 'system'],
    ['_codecs', 'decode'],
    ['constructor', 'constructor'],
    ['', ''],
  ] as const;
  const ways: [string, (module: string, name: string) => Parameters<typeof pickleBytes>][] = [
    ['GLOBAL', (module, name) => [global(module, name), tuple(text('x')), op.REDUCE]],
    [
      'STACK_GLOBAL',
      (module, name) => [text(module), text(name), op.STACK_GLOBAL, op.EMPTY_TUPLE, op.REDUCE],
    ],
    ['INST', (module, name) => [op.MARK, text('x'), op.INST, Buffer.from(`${module}\n${name}\n`)]],
  ];
  it.each(names)('%s.%s rejects the file, by whichever operation it comes', (module, name) => {
    for (const [way, codes] of ways) {
      let error: unknown;
      try {
        read(...codes(module, name));
      } catch (caught) {
        error = caught;
      }
      expect(error, way).toBeInstanceOf(FormatError);
      expect((error as FormatError).message, way).toContain(JSON.stringify(`${module}.${name}`));
      expect((error as FormatError).message, way).toContain('run code');
    }
  });

  it('cannot be made of other values', () => {
    expect(() => read(int(1), int(2), op.STACK_GLOBAL)).toThrow(/a name that is no text/);
    expect(() => read(text('os.system'), op.EMPTY_TUPLE, op.REDUCE)).toThrow(/calls what is no function/);
    expect(() => read(Buffer.of(0x82, 1))).toThrow(/operation 0x82.* not supported/); // a registered extension
    expect(() => read(text('x'), op.BINPERSID)).toThrow(/no storage/);
  });

  it('of a type cannot be called', () => {
    expect(() => read(global('torch', 'FloatStorage'), op.EMPTY_TUPLE, op.REDUCE)).toThrow(/is no function/);
  });
});

describe('a pickle is refused', () => {
  it.each<[string, Parameters<typeof pickleBytes>, RegExp]>([
    ['if it takes from an empty stack', [op.TUPLE2], /a value that is not there/],
    ['if it takes below a mark', [int(1), op.MARK, op.TUPLE1], /a value that is not there/],
    ['if it ends what did not begin', [op.TUPLE], /did not begin/],
    ['if it recalls what it did not store', [op.BINGET, 9], /did not store/],
    ['if a dict lacks a value', [op.EMPTY_DICT, op.MARK, int(1), op.SETITEMS], /a key but no value/],
    ['if a number is too long', [Buffer.of(op.LONG4, 0xff, 0xff, 0xff, 0x7f)], /a value of 2147483647 bytes/],
    ['if a text is no UTF-8', [Buffer.of(op.BINUNICODE, 1, 0, 0, 0, 0xff)], /not UTF-8/],
    ['if a text is longer than it', [Buffer.of(op.BINUNICODE, 0xff, 0, 0, 0)], /too early/],
    [
      'if a text is of an impossible length',
      [Buffer.of(op.BINUNICODE8, 0, 0, 0, 0, 0, 0, 0, 0xff)],
      /a size of/,
    ],
    ['if its protocol is not known', [op.PROTO, 6], /protocol 6/],
    ['if a tensor goes beyond its storage', [tensor('0', 4, { shape: [5] })], /beyond its storage/],
    ['if an offset does', [tensor('0', 4, { offset: 4, shape: [1] })], /beyond its storage/],
    ['if a stride does', [tensor('0', 4, { shape: [2, 2], strides: [3, 1] })], /beyond its storage/],
    ['if a size is negative', [tensor('0', 4, { shape: [-1], strides: [1] })], /whole numbers/],
    ['if a stride is negative', [tensor('0', 4, { offset: 3, shape: [2], strides: [-1] })], /whole numbers/],
    [
      'if a rank is',
      [tensor('0', 4, { shape: Array<number>(9).fill(1), strides: Array<number>(9).fill(1) })],
      /strides/,
    ],
    ['if strides are too few', [tensor('0', 4, { shape: [2, 2], strides: [1] })], /strides/],
    [
      'if a value is blown up',
      [tensor('0', 1, { shape: [2 ** 30, 2 ** 30], strides: [0, 0] })],
      /values over a storage of 1/,
    ],
    ['if a storage has no known type', [tensor('0', 1, { type: 'Size' })], /no known type/],
    ['if a storage is described twice', [tuple(tensor('0', 1), tensor('0', 2))], /in two ways/],
  ])('%s', (_, codes, message) => {
    expect(() => read(...codes)).toThrow(message);
    expect(() => read(...codes)).toThrow(FormatError);
  });
});

describe('a pickle that wants too much', () => {
  const many = (count: number, ...codes: number[]): Buffer =>
    Buffer.alloc(count * codes.length, Buffer.from(codes));

  it('ends at the limit of operations', () => {
    expect(() => read(op.NONE, many(3_000_000, op.DUP, op.POP))).toThrow(/more than 5000000 operations/);
  });

  it('ends at the limit of memory', () => {
    expect(() => read(many(4_000_000, op.EMPTY_DICT))).toThrow(/bytes of memory/);
    const long = text('x'.repeat(1_000_000));
    const encoded = bytesOf([op.BINGET, 0, op.BINGET, 1, op.BINGET, 2, op.TUPLE2, op.REDUCE]);
    const calls = Buffer.alloc(10_000 * encoded.length, encoded);
    const stored = [
      global('_codecs', 'encode'),
      op.BINPUT,
      0,
      long,
      op.BINPUT,
      1,
      text('latin1'),
      op.BINPUT,
      2,
    ];
    expect(() => read(...stored, calls)).toThrow(/bytes of memory/);
  });

  it('cannot have a long list read by many calls', () => {
    const list = bytesOf([op.EMPTY_LIST, op.BINPUT, 0, op.MARK, many(100_000, op.EMPTY_TUPLE), op.APPENDS]);
    const call = bytesOf([op.BINGET, 1, op.BINGET, 0, op.TUPLE1, op.REDUCE, op.POP]);
    const stored = [global('collections', 'OrderedDict'), op.BINPUT, 1];
    expect(() => read(list, ...stored, Buffer.alloc(100_000 * call.length, call))).toThrow(FormatError);
  });

  it('may nest deeply: that costs no stack', () => {
    const depth = 500_000;
    const made = read(many(depth, op.EMPTY_LIST), many(depth - 1, op.APPEND));
    expect(made).toBeInstanceOf(PickleList);
    expect(read(op.NONE, many(depth, op.TUPLE1))).toBeInstanceOf(PickleTuple);
    expect(() => read(many(depth, op.MARK))).toThrow(/not there/);
  });
});
