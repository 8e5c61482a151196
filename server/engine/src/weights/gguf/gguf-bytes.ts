/** For tests: numbers as a GGUF file has them. */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

export function text(value: string): Buffer {
  return Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
}

/** For tests: a metadata entry. */
export function entry(key: string, type: number, ...value: Buffer[]): Buffer {
  return Buffer.concat([text(key), u32(type), ...value]);
}

/** For tests: what a file says of a tensor, right or wrong on purpose. */
export interface Tensor {
  readonly name: string;
  /** As in the file: the quickest axis first. */
  readonly dims: readonly (number | bigint)[];
  readonly type?: number;
  readonly offset?: number;
}

interface Rest {
  readonly entries?: readonly Buffer[];
  /** Of tensors and entries, as the file claims. */
  readonly counts?: readonly (number | bigint)[];
  readonly data?: Buffer;
}

/** For tests: the bytes of a GGUF file. */
export function ggufBytes(tensors: readonly Tensor[], rest: Rest = {}): Buffer {
  const { entries = [], data = Buffer.alloc(64) } = rest;
  const counts = rest.counts ?? [tensors.length, entries.length];
  const infos = tensors.map(({ name, dims, type = 0, offset = 0 }) =>
    Buffer.concat([text(name), u32(dims.length), ...dims.map(u64), u32(type), u64(offset)]),
  );
  const header = Buffer.concat([Buffer.from('GGUF'), u32(3), ...counts.map(u64), ...entries, ...infos]);
  return Buffer.concat([header, Buffer.alloc((32 - (header.length % 32)) % 32), data]);
}
