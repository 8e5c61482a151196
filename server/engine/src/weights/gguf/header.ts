import { utf8, type ByteReader } from '../byte-reader.ts';
import { FormatError, quote } from '../format-error.ts';
import { MAX_RANK, MAX_TENSORS } from '../safetensors-header.ts';

/** Tokenizers have the largest entries; a UNet's header is a few hundred kilobytes. */
export const MAX_GGUF_HEADER_BYTES = 100_000_000;
const MAX_ENTRIES = 100_000;
const MAX_NAME_BYTES = 1000;
/** Longer lists are tokenizers and the like; of no use here. */
const MAX_LIST = 64;
const MAX_LIST_DEPTH = 4;
const MAGIC = 'GGUF';
const DEFAULT_ALIGNMENT = 32;
const MAX_ALIGNMENT = 65536;

export interface GgufTensor {
  readonly name: string;
  /** Row-major, as everywhere here: the file has it the other way round. */
  readonly shape: readonly number[];
  /** ggml's number of it. */
  readonly type: number;
  /** From the start of the data. */
  readonly offset: number;
}

export interface GgufHeader {
  readonly metadata: Map<string, string>;
  readonly tensors: readonly GgufTensor[];
  /** Where the data starts in the file. */
  readonly dataStart: number;
  readonly alignment: number;
}

/** Versions 2 and 3. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
export function readGgufHeader(reader: ByteReader): GgufHeader {
  if (utf8(reader.bytes(4), 'a start') !== MAGIC) throw new FormatError('it does not start with "GGUF"');
  const version = reader.u32();
  if (version !== 2 && version !== 3) {
    const isBig = (version & 0xffff) === 0 && version !== 0;
    throw new FormatError(
      isBig ? 'it is big-endian, which is not supported' : `it has version ${version}; 2 and 3 are known`,
      {
        hint: 'Look for a newer version of it, or a .safetensors version.',
      },
    );
  }
  const tensorCount = count(reader, MAX_TENSORS, 'tensors');
  const entryCount = count(reader, MAX_ENTRIES, 'metadata entries');
  const metadata = new Map<string, string>();
  for (let entry = 0; entry < entryCount; entry += 1) {
    const key = name(reader, 'a metadata key');
    if (metadata.has(key)) throw new FormatError(`it has the metadata key ${quote(key)} twice`);
    const value = readValue(reader, reader.u32(), 0);
    if (value !== null) metadata.set(key, value);
  }
  const names = new Set<string>();
  const tensors: GgufTensor[] = [];
  for (let index = 0; index < tensorCount; index += 1) {
    const tensor = readTensor(reader);
    if (names.has(tensor.name)) throw new FormatError(`it names the tensor ${quote(tensor.name)} twice`);
    names.add(tensor.name);
    tensors.push(tensor);
  }
  const alignment = alignmentOf(metadata);
  return { metadata, tensors, alignment, dataStart: Math.ceil(reader.position / alignment) * alignment };
}

function readTensor(reader: ByteReader): GgufTensor {
  const full = name(reader, 'a tensor name');
  const rank = reader.u32();
  if (rank > MAX_RANK)
    throw new FormatError(`it gives ${quote(full)} ${rank} dimensions; at most ${MAX_RANK} are allowed`);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis += 1) shape.unshift(reader.size());
  return { name: full, shape, type: reader.u32(), offset: reader.size() };
}

function count(reader: ByteReader, most: number, what: string): number {
  const value = reader.u64();
  if (value > BigInt(most)) throw new FormatError(`it claims ${value} ${what}; at most ${most} are allowed`);
  return Number(value);
}

function name(reader: ByteReader, what: string): string {
  const length = reader.u64();
  if (length > BigInt(MAX_NAME_BYTES)) throw new FormatError(`it has ${what} of ${length} bytes`);
  return utf8(reader.bytes(Number(length)), what);
}

function alignmentOf(metadata: ReadonlyMap<string, string>): number {
  const alignment = Number(metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT);
  const isPower = Number.isInteger(alignment) && alignment > 0 && (alignment & (alignment - 1)) === 0;
  if (!isPower || alignment > MAX_ALIGNMENT)
    throw new FormatError('it has an alignment that is no power of two');
  return alignment;
}

const STRING = 8;
const LIST = 9;
/** By type number: how a value is read, and its bytes. */
const SCALARS: ReadonlyMap<
  number,
  { readonly bytes: number; readonly read: (reader: ByteReader) => string }
> = new Map([
  [0, { bytes: 1, read: (reader) => String(reader.u8()) }],
  [1, { bytes: 1, read: (reader) => String(reader.i8()) }],
  [2, { bytes: 2, read: (reader) => String(reader.u16()) }],
  [3, { bytes: 2, read: (reader) => String(reader.i16()) }],
  [4, { bytes: 4, read: (reader) => String(reader.u32()) }],
  [5, { bytes: 4, read: (reader) => String(reader.i32()) }],
  [6, { bytes: 4, read: (reader) => String(reader.f32()) }],
  [7, { bytes: 1, read: (reader) => String(reader.u8() !== 0) }],
  [10, { bytes: 8, read: (reader) => String(reader.u64()) }],
  [11, { bytes: 8, read: (reader) => String(reader.i64()) }],
  [12, { bytes: 8, read: (reader) => String(reader.f64()) }],
]);

/** A value as text, a short list as its values between commas; null for what is skipped. */
function readValue(reader: ByteReader, type: number, depth: number): string | null {
  const scalar = SCALARS.get(type);
  if (scalar !== undefined) return scalar.read(reader);
  if (type === STRING) return utf8(reader.bytes(reader.size()), 'a metadata text');
  if (type !== LIST) throw new FormatError(`it has metadata of the unknown type ${type}`);
  if (depth === MAX_LIST_DEPTH)
    throw new FormatError(`it has lists nested more than ${MAX_LIST_DEPTH} levels deep`);
  const itemType = reader.u32();
  const length = reader.size();
  const item = SCALARS.get(itemType);
  if (item !== undefined && length > MAX_LIST) {
    reader.bytes(item.bytes * length);
    return null;
  }
  const items: string[] = [];
  for (let index = 0; index < length; index += 1) {
    const value = readValue(reader, itemType, depth + 1);
    if (value !== null && items.length < MAX_LIST) items.push(value);
  }
  return length > MAX_LIST || item === undefined ? null : items.join(',');
}
