import { crc32 } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Length, type and checksum around a chunk's data. */
const CHUNK_FRAME = 12;

export interface PngFacts {
  width: number;
  height: number;
  /** Where the header chunk ends, and text may stand. */
  headerEnd: number;
}

/**
 * Checks that `png` is one whole PNG: signature, every chunk's length and checksum, and its end.
 * @throws RangeError naming what is wrong.
 */
export function inspectPng(png: Uint8Array): PngFacts {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  if (!bytes.subarray(0, 8).equals(SIGNATURE))
    throw new RangeError('Expected a PNG but its signature is missing');
  let facts: PngFacts | undefined;
  for (let at = 8; at + CHUNK_FRAME <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const end = at + CHUNK_FRAME + length;
    if (end > bytes.length)
      throw new RangeError(`PNG chunk ${type} claims ${length} bytes, more than there are`);
    if (crc32(bytes.subarray(at + 4, end - 4)) !== bytes.readUInt32BE(end - 4)) {
      throw new RangeError(`PNG chunk ${type} has a wrong checksum`);
    }
    if (type === 'IHDR') {
      facts = { width: bytes.readUInt32BE(at + 8), height: bytes.readUInt32BE(at + 12), headerEnd: end };
    }
    if (type === 'IEND' && facts !== undefined && end === bytes.length) return facts;
    at = end;
  }
  throw new RangeError('The PNG is cut: its end is missing');
}

/** The same PNG with a text item before its picture data. @throws RangeError if `png` is not a whole PNG. */
export function withText(png: Uint8Array, keyword: string, text: string): Buffer {
  const { headerEnd } = inspectPng(png);
  return Buffer.concat([png.subarray(0, headerEnd), textChunk(keyword, text), png.subarray(headerEnd)]);
}

/**
 * `tEXt` if every character is Latin-1, else uncompressed `iTXt` in UTF-8 (no language, no translated keyword).
 * NUL ends texts in both, so it is dropped. PNG specification, third edition, 11.3.3.
 */
function textChunk(keyword: string, text: string): Buffer {
  const content = text.replaceAll('\0', '');
  const isLatin1 = !/[^\u0000-\u00ff]/.test(content); // eslint-disable-line no-control-regex -- the range of Latin-1
  return isLatin1
    ? chunk('tEXt', Buffer.from(`${keyword}\0${content}`, 'latin1'))
    : chunk('iTXt', Buffer.from(`${keyword}\0\0\0\0\0${content}`, 'utf8'));
}

function chunk(type: string, data: Buffer): Buffer {
  const bytes = Buffer.alloc(CHUNK_FRAME + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  data.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}
