import type { FileHandle } from 'node:fs/promises';
import { ByteReader, utf8 } from '../byte-reader.ts';
import { readExactly } from '../file-bytes.ts';
import type { OpenedFile } from '../file-source.ts';
import { FormatError, quote } from '../format-error.ts';

/** An entry of an archive that is stored as it is. */
export interface ZipEntry {
  readonly name: string;
  readonly crc32: number;
  /** Where its bytes begin in the file. */
  readonly offset: number;
  readonly byteLength: number;
}

/** A storage is an entry; the largest known checkpoints have some 20,000. */
const MAX_ENTRIES = 50_000;
const MAX_DIRECTORY_BYTES = 32 * 1024 * 1024;
const MAX_NAME_BYTES = 512;

const LOCAL_HEADER = { signature: 0x04034b50, bytes: 30 };
const CENTRAL_SIGNATURE = 0x02014b50;
const END = { signature: 0x06054b50, bytes: 22 };
const END64 = { signature: 0x06064b50, bytes: 56 };
const LOCATOR64 = { signature: 0x07064b50, bytes: 20 };
const IN_ZIP64 = 0xffff_ffff;
const ZIP64_EXTRA = 1;
const FLAG = { encrypted: 0x1, sizesFollow: 0x8, strong: 0x40, utf8: 0x800, masked: 0x2000 };

const REPACKED = 'Load it with PyTorch and save it again, or look for a .safetensors version.';

/**
 * Reads the directory of a zip archive as torch writes it: every entry stored without compression, so that tensors can be
 * used where they lie. Format: APPNOTE 6.3, https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
 * @throws FormatError where the directory and the file do not agree in every point.
 */
export async function readZipDirectory(file: OpenedFile): Promise<Map<string, ZipEntry>> {
  const end = await findEnd(file);
  const directory = new ByteReader(await readExactly(file.handle, end.start, end.bytes));
  const entries: CentralEntry[] = [];
  const names = new Set<string>();
  for (let count = 0; count < end.count; count += 1) {
    const entry = centralEntry(directory);
    if (names.has(entry.name)) throw new FormatError(`its archive has ${quote(entry.name)} twice`);
    names.add(entry.name);
    entries.push(entry);
  }
  if (directory.position !== end.bytes)
    throw new FormatError('the directory of its archive is longer than its entries');
  entries.sort((a, b) => a.header - b.header);
  const placed = new Map<string, ZipEntry>();
  for (const [index, entry] of entries.entries()) {
    const offset = await dataOffset(file.handle, entry, end.start);
    const limit = entries[index + 1]?.header ?? end.start;
    if (offset + entry.byteLength > limit) {
      throw new FormatError(`${quote(entry.name)} in its archive goes beyond its place`);
    }
    placed.set(entry.name, { name: entry.name, crc32: entry.crc32, offset, byteLength: entry.byteLength });
  }
  return placed;
}

interface End {
  readonly start: number;
  readonly bytes: number;
  readonly count: number;
}

/** The end of an archive has no comment in files of torch; what follows it would belong to no archive. */
async function findEnd({ handle, sizeBytes }: OpenedFile): Promise<End> {
  const tailBytes = Math.min(sizeBytes, END.bytes + LOCATOR64.bytes);
  const tail = await readExactly(handle, sizeBytes - tailBytes, tailBytes);
  const endAt = sizeBytes - END.bytes;
  const reader = new ByteReader(tail.subarray(Math.max(0, tail.length - END.bytes)));
  if (tail.length < END.bytes || reader.u32() !== END.signature) {
    throw new FormatError('its archive has no end: it is cut short, or something was added to it');
  }
  const disks = [reader.u16(), reader.u16()];
  const counts = [reader.u16(), reader.u16()];
  const [bytes, start, commentBytes] = [reader.u32(), reader.u32(), reader.u16()];
  if (disks.some((disk) => disk !== 0 && disk !== 0xffff) || counts[0] !== counts[1] || commentBytes !== 0) {
    throw new FormatError('its archive has an end that is not in order');
  }
  const short: End = { start, bytes, count: counts[0] ?? 0 };
  const locator = new ByteReader(tail.subarray(0, tail.length - END.bytes));
  const has64 =
    tail.length === tailBytes && tailBytes > END.bytes + 4 && locator.u32() === LOCATOR64.signature;
  const end = has64 ? await end64(handle, locator, short, endAt - LOCATOR64.bytes) : short;
  const directoryEnd = has64 ? endAt - LOCATOR64.bytes - END64.bytes : endAt;
  if (end.count > MAX_ENTRIES)
    throw new FormatError(`its archive has ${end.count} entries; at most ${MAX_ENTRIES} are allowed`);
  if (end.bytes > MAX_DIRECTORY_BYTES)
    throw new FormatError(`its archive has a directory of ${end.bytes} bytes`);
  if (end.start + end.bytes !== directoryEnd) {
    throw new FormatError('the directory of its archive does not lie where its end says');
  }
  return end;
}

/** The larger form of the end, which torch always writes. */
async function end64(handle: FileHandle, locator: ByteReader, short: End, locatorAt: number): Promise<End> {
  const [disk, at, disks] = [locator.u32(), locator.size(), locator.u32()];
  if (at !== locatorAt - END64.bytes || at < 0 || disk !== 0 || disks > 1) {
    throw new FormatError('its archive has a zip64 end that is not in order');
  }
  const reader = new ByteReader(await readExactly(handle, at, END64.bytes));
  if (reader.u32() !== END64.signature || reader.size() !== END64.bytes - 12) {
    throw new FormatError('its archive has a zip64 end that is not in order');
  }
  reader.bytes(4 + 8); // versions, disks
  const [counted, count, bytes, start] = [reader.size(), reader.size(), reader.size(), reader.size()];
  const agrees = (value: number, other: number, none: number): boolean => other === none || other === value;
  if (
    counted !== count ||
    !agrees(count, short.count, 0xffff) ||
    !agrees(bytes, short.bytes, IN_ZIP64) ||
    !agrees(start, short.start, IN_ZIP64)
  ) {
    throw new FormatError('its archive has two ends that do not agree');
  }
  return { start, bytes, count };
}

interface CentralEntry {
  readonly name: string;
  readonly rawName: Uint8Array;
  readonly flags: number;
  readonly crc32: number;
  readonly byteLength: number;
  /** Where its local header lies. */
  readonly header: number;
}

function centralEntry(reader: ByteReader): CentralEntry {
  if (reader.u32() !== CENTRAL_SIGNATURE) throw new FormatError('the directory of its archive is damaged');
  reader.bytes(4); // versions
  const [flags, method] = [reader.u16(), reader.u16()];
  reader.bytes(4); // time
  const [crc32, packed, unpacked] = [reader.u32(), reader.u32(), reader.u32()];
  const [nameBytes, extraBytes, commentBytes] = [reader.u16(), reader.u16(), reader.u16()];
  reader.bytes(2 + 2 + 4); // disk, attributes
  const header = reader.u32();
  if (nameBytes > MAX_NAME_BYTES) throw new FormatError(`its archive has a name of ${nameBytes} bytes`);
  const rawName = reader.bytes(nameBytes);
  const extra = new ByteReader(reader.bytes(extraBytes));
  reader.bytes(commentBytes);
  const name = safeName(rawName);
  if ((flags & (FLAG.encrypted | FLAG.strong | FLAG.masked)) !== 0) {
    throw new FormatError(`${quote(name)} in its archive is encrypted`, { hint: REPACKED });
  }
  const sizes = zip64Sizes(extra, extraBytes, [unpacked, packed, header]);
  if (method !== 0 || sizes[0] !== sizes[1]) {
    throw new FormatError(`${quote(name)} in its archive is compressed, so it was packed again`, {
      hint: REPACKED,
    });
  }
  return { name, rawName, flags, crc32, byteLength: sizes[0], header: sizes[2] };
}

/** Replaces the sizes that do not fit in 32 bits by those in the zip64 field. */
function zip64Sizes(
  extra: ByteReader,
  extraBytes: number,
  sizes: [number, number, number],
): [number, number, number] {
  if (!sizes.includes(IN_ZIP64)) return sizes;
  while (extra.position + 4 <= extraBytes) {
    const [id, length] = [extra.u16(), extra.u16()];
    const field = new ByteReader(extra.bytes(length));
    if (id !== ZIP64_EXTRA) continue;
    return sizes.map((size) => (size === IN_ZIP64 ? field.size() : size)) as [number, number, number];
  }
  throw new FormatError('its archive has an entry without a size');
}

/** Names are only compared, never used as paths; unsafe ones tell that torch did not write the file. */
function safeName(raw: Uint8Array): string {
  const name = utf8(raw, 'a name in its archive');
  const parts = name.split('/');
  const isUnsafe =
    /[\\:]/.test(name) ||
    raw.some((byte) => byte < 0x20) ||
    parts.some((part) => part === '' || part === '.' || part === '..');
  if (isUnsafe) throw new FormatError(`its archive has the unsafe name ${quote(name)}`);
  return name;
}

/** Compares the header before an entry's bytes with the directory. */
async function dataOffset(handle: FileHandle, entry: CentralEntry, directoryAt: number): Promise<number> {
  const headerBytes = LOCAL_HEADER.bytes + entry.rawName.length;
  if (entry.header + headerBytes > directoryAt) {
    throw new FormatError(`${quote(entry.name)} in its archive lies outside of the file`);
  }
  const reader = new ByteReader(await readExactly(handle, entry.header, headerBytes));
  const signature = reader.u32();
  reader.bytes(2); // version
  const [flags, method] = [reader.u16(), reader.u16()];
  reader.bytes(4); // time
  const [crc32, packed, unpacked] = [reader.u32(), reader.u32(), reader.u32()];
  const [nameBytes, extraBytes] = [reader.u16(), reader.u16()];
  // Where the sizes follow the bytes, zeros stand here; where they need 64 bits, all ones.
  const sizeAgrees = (size: number): boolean =>
    size === entry.byteLength || size === IN_ZIP64 || ((flags & FLAG.sizesFollow) !== 0 && size === 0);
  const isSame =
    signature === LOCAL_HEADER.signature &&
    flags === entry.flags &&
    method === 0 &&
    (crc32 === entry.crc32 || ((flags & FLAG.sizesFollow) !== 0 && crc32 === 0)) &&
    sizeAgrees(packed) &&
    sizeAgrees(unpacked) &&
    nameBytes === entry.rawName.length &&
    Buffer.compare(reader.bytes(nameBytes), entry.rawName) === 0;
  if (!isSame) throw new FormatError(`the directory of its archive does not agree with ${quote(entry.name)}`);
  return entry.header + headerBytes + extraBytes;
}
