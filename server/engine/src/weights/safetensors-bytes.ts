/** For tests: the bytes of a safetensors file, right or wrong on purpose. */
export interface Pieces {
  /** Text of the header. */
  readonly header: string | Uint8Array;
  /** Bytes after the header. */
  readonly data?: Uint8Array;
  /** What the prefix claims; default: the truth. */
  readonly claimedLength?: bigint;
}

export function safetensorsBytes({ header, data = new Uint8Array(), claimedLength }: Pieces): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, claimedLength ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

/** A file with these float32 tensors in this order. */
export function floatsFile(
  tensors: Record<string, { shape: readonly number[]; values: readonly number[] }>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const entries: Record<string, unknown> = { __metadata__: metadata };
  const all: number[] = [];
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    const begin = 4 * all.length;
    all.push(...values);
    entries[name] = { dtype: 'F32', shape, data_offsets: [begin, 4 * all.length] };
  }
  const data = new Uint8Array(Float32Array.from(all).buffer);
  return safetensorsBytes({ header: JSON.stringify(entries), data });
}
