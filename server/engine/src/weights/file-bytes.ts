import { open, type FileHandle } from 'node:fs/promises';
import { EngineError } from '../errors.ts';
import { ByteReader, EndOfBytes } from './byte-reader.ts';
import { unreadable } from './file-identity.ts';
import { FormatError } from './format-error.ts';

/** The first part of a file that is read to parse its start; real tables of contents fit in. */
const FIRST_BYTES = 1024 * 1024;

/** Opens a file for `use` and closes it in any case; failures of the file system become an EngineError. */
export async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle | null = null;
  try {
    file = await open(path, 'r');
    return await use(file);
  } catch (cause) {
    if (cause instanceof EngineError || cause instanceof FormatError) throw cause;
    throw unreadable(path, cause);
  } finally {
    await file?.close();
  }
}

export async function readExactly(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    done += bytesRead;
  }
  return bytes;
}

/**
 * Parses the start of a file whose length stands nowhere: with more of the file each time that `parse` runs out of bytes.
 * Each time is twice as much, so that all of them together cost little more than the last.
 * @param limit bytes that the start may have, and why: "the table of contents may have".
 * @throws FormatError if the file ends, or the limit is reached, before `parse` has what it needs.
 */
export async function parseStart<T>(
  file: FileHandle,
  sizeBytes: number,
  limit: { readonly bytes: number; readonly what: string },
  parse: (reader: ByteReader) => T,
): Promise<T> {
  for (let length = FIRST_BYTES; ; length *= 2) {
    const bytes = await readExactly(file, 0, Math.min(length, limit.bytes, sizeBytes));
    try {
      return parse(new ByteReader(bytes));
    } catch (error) {
      if (!(error instanceof EndOfBytes)) throw error;
      if (bytes.length === sizeBytes) {
        throw new FormatError(`it ends within its ${limit.what}, after ${sizeBytes} bytes`, { cause: error });
      }
      if (bytes.length === limit.bytes) {
        throw new FormatError(`its ${limit.what} has more than ${limit.bytes} bytes`, { cause: error });
      }
    }
  }
}
