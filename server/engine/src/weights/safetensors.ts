import { basename } from 'node:path';
import { EngineError } from '../errors.ts';
import { utf8 } from './byte-reader.ts';
import { readExactly } from './file-bytes.ts';
import { openFile, type Contents, type OpenedFile } from './file-source.ts';
import { cutFile, FormatError, quote } from './format-error.ts';
import { looksLike } from './looks-like.ts';
import { HeaderError, MAX_HEADER_BYTES, parseHeader, type Header } from './safetensors-header.ts';
import { countOf, ELEMENT_BITS, type TensorInfo, type WeightSource } from './weight-source.ts';

/** Enough to tell what a file is that is no safetensors file. */
const SNIFF_BYTES = 512;
const PREFIX_BYTES = 8;

/**
 * Reads the header of a safetensors file and checks that it describes the file exactly: every byte after the header
 * belongs to one tensor. Format: https://huggingface.co/docs/safetensors (8 bytes length, JSON, tensors).
 * @throws EngineError `model-not-found`, or `model-invalid` with what is wrong with the file.
 */
export function openSafetensors(path: string): Promise<WeightSource> {
  return openFile(path, 'safetensors file', readContents);
}

/** True if a file that starts with these bytes can be nothing but a safetensors file, be it a cut one. */
export function startsAsSafetensors(start: Uint8Array): boolean {
  if (start.length <= PREFIX_BYTES) return false;
  return headerLength(start) <= MAX_HEADER_BYTES && start[PREFIX_BYTES] === 0x7b;
}

async function readContents(file: OpenedFile): Promise<Contents> {
  const text = await readHeaderText(file);
  try {
    const header = parseHeader(utf8(text, 'a header'));
    return { metadata: header.metadata, tensors: locate(header, file, PREFIX_BYTES + text.length) };
  } catch (cause) {
    if (!(cause instanceof HeaderError)) throw cause;
    throw new FormatError(`its header ${cause.message}`, { cause });
  }
}

async function readHeaderText({ handle, path, sizeBytes }: OpenedFile): Promise<Uint8Array> {
  const start = await readExactly(handle, 0, Math.min(sizeBytes, SNIFF_BYTES));
  const length = sizeBytes < PREFIX_BYTES ? null : headerLength(start);
  const isPlausible = length !== null && length <= MAX_HEADER_BYTES && (start[PREFIX_BYTES] ?? 0x7b) === 0x7b;
  if (!isPlausible) {
    const other = looksLike(start);
    if (other !== null)
      throw new EngineError('model-invalid', `"${basename(path)}" is ${other.what}.`, { hint: other.hint });
    if (length === null) throw cutFile(path, { expected: PREFIX_BYTES, real: sizeBytes, isLeast: true });
    if (length > MAX_HEADER_BYTES) {
      throw new FormatError(`it claims a header of ${length} bytes; at most ${MAX_HEADER_BYTES} are allowed`);
    }
    throw new FormatError('its header does not start with "{"');
  }
  const end = PREFIX_BYTES + Number(length);
  if (end > sizeBytes) throw cutFile(path, { expected: end, real: sizeBytes });
  return readExactly(handle, PREFIX_BYTES, Number(length));
}

function headerLength(start: Uint8Array): bigint {
  return new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
}

/** Places the tensors in the file: without gap or overlap, the last one ending where the file ends. */
function locate(
  header: Header,
  { path: file, sizeBytes }: OpenedFile,
  dataStart: number,
): Map<string, TensorInfo> {
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
  if (position > sizeBytes) throw cutFile(file, { expected: position, real: sizeBytes });
  if (position < sizeBytes) {
    throw new HeaderError(`describes ${position} bytes, but the file has ${sizeBytes - position} more`);
  }
  return tensors;
}
