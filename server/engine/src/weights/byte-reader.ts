import { FormatError } from './format-error.ts';

/** More bytes were asked for than there are. */
export class EndOfBytes extends FormatError {
  constructor() {
    super('it ends too early');
  }
}

/** Reads numbers and texts one after the other, little-endian, never beyond the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  i8(): number {
    return this.#view.getInt8(this.#advance(1));
  }

  i16(): number {
    return this.#view.getInt16(this.#advance(2), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#advance(8), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  /** A 64-bit count, length or offset. @throws FormatError where it is no exact number. */
  size(): number {
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FormatError(`it claims a size of ${value}`);
    return Number(value);
  }

  f32(): number {
    return this.#view.getFloat32(this.#advance(4), true);
  }

  f64(isLittleEndian = true): number {
    return this.#view.getFloat64(this.#advance(8), isLittleEndian);
  }

  /** A view of the next bytes, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Bytes up to the next line feed, which is read but not returned. */
  line(most: number): Uint8Array {
    const within = this.#bytes.subarray(this.#at, this.#at + most + 1);
    const length = within.indexOf(0x0a);
    if (length === -1) {
      if (within.length > most) throw new FormatError(`it has a line of more than ${most} bytes`);
      throw new EndOfBytes();
    }
    this.#at += length + 1;
    return within.subarray(0, length);
  }

  #advance(length: number): number {
    if (length > this.#bytes.length - this.#at) throw new EndOfBytes();
    const start = this.#at;
    this.#at += length;
    return start;
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws FormatError where it is not UTF-8. */
export function utf8(bytes: Uint8Array, what: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new FormatError(`it has ${what} that is not UTF-8`, { cause });
  }
}
