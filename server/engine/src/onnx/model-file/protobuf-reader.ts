import { readSync } from 'node:fs';
import { FormatError } from '../../weights/format-error.ts';

/** A part of a file, from its first byte to the one after its last. */
export interface Range {
  readonly start: number;
  readonly end: number;
}
/** A field of a message. */
export interface Field extends Range {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes. `start` and `end` are those of the value. */
  readonly wire: number;
  /** Of a varint. Negative ones, and those that no number holds exactly, are Infinity. */
  readonly value: number;
  /** Where the field's tag starts. */
  readonly tag: number;
}

const WINDOW_BYTES = 256 * 1024;
/** Of a UNet's graph there are some 100,000. */
const MAX_FIELDS = 10_000_000;
const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH = 2;
const FOUR_BYTES = 5;

/**
 * Reads protocol buffer messages field by field where they lie in a file, so that weights in them are stepped over and
 * never read: https://protobuf.dev/programming-guides/encoding. Nothing is believed: a value lies within its message.
 */
export class ProtobufReader {
  readonly size: number;
  readonly #descriptor: number;
  #window = new Uint8Array(0);
  #windowStart = 0;
  #fields = 0;

  /** @param descriptor of an open file with `size` bytes */
  constructor(descriptor: number, size: number) {
    this.#descriptor = descriptor;
    this.size = size;
  }

  /** The fields of a message, in the order they stand in. @throws FormatError */
  *fields({ start, end }: Range): Generator<Field> {
    let at = start;
    while (at < end) {
      this.#fields += 1;
      if (this.#fields > MAX_FIELDS) throw new FormatError(`it has more than ${MAX_FIELDS} fields`);
      const field = this.#field(at, end);
      yield field;
      at = field.end;
    }
  }

  /** A copy of a part that is known to be short enough. */
  bytes({ start, end }: Range): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(end - start);
    let done = 0;
    while (done < bytes.length) {
      const read = readSync(this.#descriptor, bytes, done, bytes.length - done, start + done);
      if (read === 0) throw new FormatError('it became shorter while it was read');
      done += read;
    }
    return bytes;
  }

  /** @throws FormatError if it is too long or no UTF-8. */
  text(range: Range, maxBytes = 1024): string {
    if (range.end - range.start > maxBytes)
      throw new FormatError(`it has a name of more than ${maxBytes} bytes`);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.bytes(range));
    } catch (cause) {
      throw new FormatError('it has a name that is not UTF-8', { cause });
    }
  }

  /** Whole numbers of a repeated field, which may be packed or not. */
  integers(field: Field): number[] {
    if (field.wire === VARINT) return [field.value];
    const values: number[] = [];
    let at = field.start;
    while (at < field.end) {
      const varint = this.#varint(at, field.end);
      values.push(varint.value);
      at = varint.end;
      if (values.length > 1000) throw new FormatError('it has a list of more than 1000 sizes');
    }
    return values;
  }

  #field(tag: number, limit: number): Field {
    const head = this.#varint(tag, limit);
    const [number, wire] = [Math.floor(head.value / 8), head.value % 8];
    const start = head.end;
    switch (wire) {
      case VARINT: {
        const { value, end } = this.#varint(start, limit);
        return { number, wire, value, tag, start, end };
      }
      case LENGTH: {
        const length = this.#varint(start, limit);
        return within(
          { number, wire, value: 0, tag, start: length.end, end: length.end + length.value },
          limit,
        );
      }
      case EIGHT_BYTES:
        return within({ number, wire, value: 0, tag, start, end: start + 8 }, limit);
      case FOUR_BYTES:
        return within({ number, wire, value: 0, tag, start, end: start + 4 }, limit);
      default:
        throw new FormatError('it is not made of protocol buffer messages');
    }
  }

  #varint(start: number, limit: number): { value: number; end: number } {
    let value = 0;
    for (let index = 0; index < 10; index += 1) {
      if (start + index >= limit) throw new FormatError('it has a value that ends after its message');
      const byte = this.#byte(start + index);
      if (index < 7) value += (byte & 0x7f) * 2 ** (7 * index);
      else if ((byte & 0x7f) !== 0) value = Infinity;
      if (byte < 0x80) return { value, end: start + index + 1 };
    }
    throw new FormatError('it has a number of more than ten bytes');
  }

  #byte(at: number): number {
    const inside = at - this.#windowStart;
    if (inside >= 0 && inside < this.#window.length) return this.#window[inside] as number;
    this.#window = this.bytes({ start: at, end: Math.min(this.size, at + WINDOW_BYTES) });
    this.#windowStart = at;
    return this.#window[0] as number;
  }
}

function within(field: Field, limit: number): Field {
  if (field.end > limit) throw new FormatError('it has a value that ends after its message');
  return field;
}
