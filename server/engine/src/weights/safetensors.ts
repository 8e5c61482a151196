import { open, realpath, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { EngineError } from '../errors.ts';
import { checkIdentity, identify, unreadable, type FileIdentity } from './file-identity.ts';
import { floatsFrom } from './floats.ts';
import { looksLike } from './looks-like.ts';
import { HeaderError, MAX_HEADER_BYTES, parseHeader, quote, type Header } from './safetensors-header.ts';
import { countOf, ELEMENT_BITS, type TensorInfo, type WeightSource } from './weight-source.ts';

/** Enough to tell what a file is that is no safetensors file. */
const SNIFF_BYTES = 512;
const PREFIX_BYTES = 8;
/** `readFloats` is for small tensors; weights are used where they lie. */
const MAX_READ_BYTES = 64 * 1024 * 1024;

/**
 * Reads the header of a safetensors file and checks that it describes the file exactly: every byte after the header
 * belongs to one tensor. Format: https://huggingface.co/docs/safetensors (8 bytes length, JSON, tensors).
 * @throws EngineError `model-not-found`, or `model-invalid` with what is wrong with the file.
 */
export async function openSafetensors(path: string): Promise<WeightSource> {
  const real = await realpath(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  const identity = await identify(real);
  const sizeBytes = Number(identity.sizeBytes);
  const text = await withFile(real, (file) => readHeaderText(file, real, sizeBytes));
  const dataStart = PREFIX_BYTES + text.byteLength;
  let tensors: Map<string, TensorInfo>;
  let metadata: Map<string, string>;
  try {
    const header = parseHeader(decode(text));
    metadata = header.metadata;
    tensors = locate(header, real, dataStart, sizeBytes);
  } catch (cause) {
    if (!(cause instanceof HeaderError)) throw cause;
    throw invalid(real, `its header ${cause.message}`, cause);
  }
  await checkIdentity(real, identity);
  return new SafetensorsFile(real, sizeBytes, identity, metadata, tensors);
}

class SafetensorsFile implements WeightSource {
  readonly path: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #identity: FileIdentity;

  constructor(
    path: string,
    sizeBytes: number,
    identity: FileIdentity,
    metadata: ReadonlyMap<string, string>,
    tensors: ReadonlyMap<string, TensorInfo>,
  ) {
    this.path = path;
    this.name = basename(path);
    this.sizeBytes = sizeBytes;
    this.#identity = identity;
    this.metadata = metadata;
    this.tensors = tensors;
  }

  async readFloats(tensor: TensorInfo): Promise<Float32Array> {
    if (tensor.byteLength > MAX_READ_BYTES) {
      throw new RangeError(
        `${tensor.name} has ${tensor.byteLength} bytes; at most ${MAX_READ_BYTES} are read.`,
      );
    }
    await this.checkUnchanged();
    const bytes = await withFile(this.path, (file) => readExactly(file, tensor.offset, tensor.byteLength));
    return floatsFrom(bytes, tensor);
  }

  checkUnchanged(): Promise<void> {
    return checkIdentity(this.path, this.#identity);
  }
}

async function readHeaderText(file: FileHandle, path: string, sizeBytes: number): Promise<Uint8Array> {
  if (sizeBytes === 0) throw invalid(path, 'it is empty');
  const start = await readExactly(file, 0, Math.min(sizeBytes, SNIFF_BYTES));
  const length = sizeBytes < PREFIX_BYTES ? null : new DataView(start.buffer).getBigUint64(0, true);
  const isPlausible = length !== null && length <= MAX_HEADER_BYTES && (start[PREFIX_BYTES] ?? 0x7b) === 0x7b;
  if (!isPlausible) {
    const other = looksLike(start);
    if (other !== null)
      throw new EngineError('model-invalid', `"${basename(path)}" is ${other.what}.`, { hint: other.hint });
    if (length === null) throw cut(path, PREFIX_BYTES, sizeBytes);
    if (length > MAX_HEADER_BYTES) {
      throw invalid(path, `it claims a header of ${length} bytes; at most ${MAX_HEADER_BYTES} are allowed`);
    }
    throw invalid(path, 'its header does not start with "{"');
  }
  const end = PREFIX_BYTES + Number(length);
  if (end > sizeBytes) throw cut(path, end, sizeBytes);
  return readExactly(file, PREFIX_BYTES, Number(length));
}

/** Places the tensors in the file: without gap or overlap, the last one ending where the file ends. */
function locate(header: Header, file: string, dataStart: number, sizeBytes: number): Map<string, TensorInfo> {
  const tensors = new Map<string, TensorInfo>();
  for (const [name, { dtype, shape, begin, end }] of header.tensors) {
    if (end < begin) throw new HeaderError(`gives ${quote(name)} an end before its beginning`);
    const bits = countOf(shape) * ELEMENT_BITS[dtype];
    if (bits > Number.MAX_SAFE_INTEGER || bits % 8 !== 0 || bits / 8 !== end - begin) {
      throw new HeaderError(
        `gives ${quote(name)} ${end - begin} bytes, but ${dtype} of shape [${shape.join(', ')}] does not have so many`,
      );
    }
    tensors.set(name, { name, dtype, shape, file, offset: dataStart + begin, byteLength: end - begin });
  }
  const inOrder = [...tensors.values()].sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  let position = dataStart;
  for (const tensor of inOrder) {
    if (tensor.offset !== position) {
      const fault = tensor.offset > position ? 'a gap' : 'an overlap';
      throw new HeaderError(`leaves ${fault} before the tensor ${quote(tensor.name)}`);
    }
    position += tensor.byteLength;
  }
  if (position > sizeBytes) throw cut(file, position, sizeBytes);
  if (position < sizeBytes) {
    throw new HeaderError(`describes ${position} bytes, but the file has ${sizeBytes - position} more`);
  }
  return tensors;
}

function decode(text: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
  } catch (cause) {
    throw new HeaderError('is not UTF-8', { cause });
  }
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle | null = null;
  try {
    file = await open(path, 'r');
    return await use(file);
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    throw unreadable(path, cause);
  } finally {
    await file?.close();
  }
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    done += bytesRead;
  }
  return bytes;
}

function cut(path: string, expected: number, real: number): EngineError {
  return new EngineError(
    'model-invalid',
    `"${basename(path)}" is cut short: it should have ${expected === PREFIX_BYTES ? 'at least ' : ''}${expected} bytes and has ${real}.`,
    { hint: 'The download did not finish; download the file again.' },
  );
}

function invalid(path: string, what: string, cause?: unknown): EngineError {
  return new EngineError('model-invalid', `"${basename(path)}" is not a valid safetensors file: ${what}.`, {
    hint: 'Download the file again, and compare its size and checksum with those of its page.',
    cause,
  });
}
