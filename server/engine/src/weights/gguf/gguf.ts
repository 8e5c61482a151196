import { parseStart } from '../file-bytes.ts';
import { openFile, type Contents, type OpenedFile } from '../file-source.ts';
import { cutFile, FormatError, quote } from '../format-error.ts';
import { countOf, ELEMENT_BITS, type TensorInfo, type WeightSource } from '../weight-source.ts';
import { BLOCK_TYPES, OTHER_TYPES, PLAIN_TYPES, type BlockType } from './blocks.ts';
import { MAX_GGUF_HEADER_BYTES, readGgufHeader, type GgufHeader, type GgufTensor } from './header.ts';

/**
 * Opens a GGUF file. Plain numbers are used where they lie. Quantised ones are made float32 in memory when a session opens:
 * fp16 would take as much memory meanwhile, since networks compute in float32 and the halves would be there besides, and
 * would round the values once more. Names are kept; they are those of the file that it was made from.
 * @throws EngineError `model-not-found`, or `model-invalid` with what is wrong with the file.
 */
export function openGguf(path: string): Promise<WeightSource> {
  return openFile(path, 'GGUF file', readContents);
}

async function readContents(file: OpenedFile): Promise<Contents> {
  const limit = { bytes: MAX_GGUF_HEADER_BYTES, what: 'table of contents' };
  const header = await parseStart(file.handle, file.sizeBytes, limit, readGgufHeader);
  return { metadata: header.metadata, tensors: locate(header, file) };
}

function locate(header: GgufHeader, file: OpenedFile): Map<string, TensorInfo> {
  const tensors = new Map<string, TensorInfo>();
  const places: Place[] = [];
  for (const tensor of header.tensors) {
    const place = placeOf(tensor, header);
    places.push(place);
    tensors.set(
      tensor.name,
      describe(tensor, { ...place, file, shape: originalShape(tensor, header.metadata) }),
    );
  }
  let end = header.dataStart;
  for (const place of places.sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)) {
    if (place.offset < end) throw new FormatError(`it has an overlap before the tensor ${quote(place.name)}`);
    end = place.offset + place.byteLength;
  }
  if (end > file.sizeBytes) throw cutFile(file.path, { expected: end, real: file.sizeBytes });
  return tensors;
}

interface Place {
  readonly name: string;
  /** In the file. */
  readonly offset: number;
  readonly byteLength: number;
  readonly blocks: BlockType | null;
}

function placeOf({ name, shape, type, offset }: GgufTensor, header: GgufHeader): Place {
  const plain = PLAIN_TYPES.get(type);
  const blocks = BLOCK_TYPES.get(type);
  if (plain === undefined && blocks === undefined) {
    const typeName = OTHER_TYPES.get(type) ?? `with the number ${type}`;
    throw new FormatError(`its tensor ${quote(name)} has the type ${typeName}, which is not supported`, {
      hint: 'Look for a version in F16, Q8_0, Q5_0, Q4_0 or one of the K types (Q4_K_M, …).',
    });
  }
  const count = countOf(shape);
  if (!Number.isSafeInteger(8 * count))
    throw new FormatError(`its tensor ${quote(name)} has a size that is too large`);
  if (blocks !== undefined && (shape.at(-1) ?? 1) % blocks.values !== 0) {
    throw new FormatError(`its tensor ${quote(name)} has rows that are no whole blocks of ${blocks.name}`);
  }
  if (offset % header.alignment !== 0) throw new FormatError(`its tensor ${quote(name)} is not aligned`);
  const byteLength =
    blocks === undefined
      ? (count * ELEMENT_BITS[plain ?? 'F32']) / 8
      : (count / blocks.values) * blocks.bytes;
  return { name, offset: header.dataStart + offset, byteLength, blocks: blocks ?? null };
}

function describe(
  { name, type }: GgufTensor,
  { offset, byteLength, blocks, file, shape }: Place & { file: OpenedFile; shape: readonly number[] },
): TensorInfo {
  const dtype = PLAIN_TYPES.get(type);
  if (dtype !== undefined || blocks === null) {
    return { name, dtype: dtype ?? 'F32', shape, file: file.path, offset, byteLength };
  }
  const count = countOf(shape);
  return {
    name,
    dtype: 'F32',
    shape,
    file: file.path,
    offset: 0,
    byteLength: 4 * count,
    made: {
      key: `${blocks.name} at ${offset}`,
      make: async () => {
        const values = new Float32Array(count);
        blocks.dequantize(await file.readLater(offset, byteLength), values);
        return new Uint8Array(values.buffer);
      },
    },
  };
}

/**
 * Rows must be whole blocks, so ComfyUI's converter flattens convolutions and notes what they were. A note that does not
 * fit the values is not followed.
 */
function originalShape(
  { name, shape }: GgufTensor,
  metadata: ReadonlyMap<string, string>,
): readonly number[] {
  const note = metadata.get(`comfy.gguf.orig_shape.${name}`);
  if (note === undefined || !/^\d{1,9}(?:,\d{1,9}){0,7}$/.test(note)) return shape;
  const original = note.split(',').map(Number);
  return countOf(original) === countOf(shape) ? original : shape;
}
