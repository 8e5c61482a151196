import * as op from './opcodes.ts';

type Code = number | Uint8Array | readonly Code[];

/** For tests: a pickle of these operations, with protocol and end. */
export function pickleBytes(...codes: Code[]): Buffer {
  return Buffer.concat([Uint8Array.of(op.PROTO, 2), bytesOf(codes), Uint8Array.of(op.STOP)]);
}

/** For tests: operations one after the other. */
export function bytesOf(codes: Code): Buffer {
  if (typeof codes === 'number') return Buffer.of(codes);
  if (codes instanceof Uint8Array) return Buffer.from(codes);
  return Buffer.concat(codes.map(bytesOf));
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const head = Buffer.alloc(5);
  head[0] = op.BINUNICODE;
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

export function int(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = op.BININT;
  bytes.writeInt32LE(value, 1);
  return bytes;
}

export function global(module: string, name: string): Buffer {
  return Buffer.concat([Buffer.of(op.GLOBAL), Buffer.from(`${module}\n${name}\n`)]);
}

export function tuple(...items: Code[]): Buffer {
  return bytesOf([op.MARK, items, op.TUPLE]);
}

export function dict(...items: Code[]): Buffer {
  return bytesOf([op.EMPTY_DICT, op.MARK, items, op.SETITEMS]);
}

/** A float tensor over the storage `key`, which has `length` values. */
export function tensor(
  key: string,
  length: number,
  { offset = 0, shape = [length], strides = [1], type = 'FloatStorage' } = {},
): Buffer {
  const storage = [
    tuple(text('storage'), global('torch', type), text(key), text('cpu'), int(length)),
    op.BINPERSID,
  ];
  const layout = [int(offset), tuple(...shape.map(int)), tuple(...strides.map(int))];
  const hooks = [global('collections', 'OrderedDict'), op.EMPTY_TUPLE, op.REDUCE];
  const args = tuple(storage, layout, op.NEWFALSE, hooks);
  return bytesOf([global('torch._utils', '_rebuild_tensor_v2'), args, op.REDUCE]);
}
