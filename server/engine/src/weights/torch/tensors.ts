import { FormatError, quote } from '../format-error.ts';
import type { OpenedFile } from '../file-source.ts';
import type { PickledTensor, Storage } from '../pickle/values.ts';
import { countOf, ELEMENT_BITS, type ElementType, type TensorInfo } from '../weight-source.ts';

/** A stretch of the file that holds the values of a storage. */
export interface Stretch {
  readonly offset: number;
  readonly byteLength: number;
}

/** Where the storages of a file lie, and how their numbers are written. */
export interface Storages {
  readonly find: (storage: Storage) => Stretch;
  readonly isBigEndian: boolean;
}

/**
 * Places the tensors of a state dict in their file. Those that lie there as networks need them, row by row and
 * little-endian, are used in place; others are brought into that order in memory when they are used.
 * @throws FormatError where a storage is missing or too short.
 */
export function placeTensors(
  tensors: ReadonlyMap<string, PickledTensor>,
  file: OpenedFile,
  storages: Storages,
): Map<string, TensorInfo> {
  const placed = new Map<string, TensorInfo>();
  for (const [name, tensor] of tensors) placed.set(name, place(name, tensor, file, storages));
  return placed;
}

function place(name: string, tensor: PickledTensor, file: OpenedFile, storages: Storages): TensorInfo {
  const { dtype, shape, storage } = tensor;
  const width = ELEMENT_BITS[dtype] / 8;
  const stretch = storages.find(storage);
  if (stretch.byteLength < bytesOf(storage)) {
    throw new FormatError(
      `the storage of ${quote(name)} has ${stretch.byteLength} bytes and should have ${bytesOf(storage)}`,
    );
  }
  const offset = stretch.offset + tensor.offset * width;
  const byteLength = countOf(shape) * width;
  const info = { name, dtype, shape, file: file.path, byteLength };
  if (byteLength === 0) return { ...info, offset: stretch.offset };
  const swapWidth = storages.isBigEndian && width > 1 ? swapWidthOf(dtype) : 1;
  if (isRowMajor(tensor) && swapWidth === 1) return { ...info, offset };
  const span =
    width * (1 + shape.reduce((sum, size, axis) => sum + (size - 1) * (tensor.strides[axis] ?? 0), 0));
  return {
    ...info,
    offset: 0,
    made: {
      key: `strides ${tensor.strides.join()} shape ${shape.join()} swap ${swapWidth} at ${offset}`,
      make: async () => {
        const stored = await file.readLater(offset, span);
        return swapped(gathered(stored, tensor, width), swapWidth);
      },
    },
  };
}

/** Of the whole storage. */
function bytesOf(storage: Storage): number {
  return storage.type === 'untyped' ? storage.length : (storage.length * ELEMENT_BITS[storage.type]) / 8;
}

/** Complex numbers are two numbers. */
function swapWidthOf(dtype: ElementType): number {
  return dtype === 'C64' ? 4 : ELEMENT_BITS[dtype] / 8;
}

function isRowMajor({ shape, strides }: PickledTensor): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    const size = shape[axis] ?? 1;
    if (size !== 1 && strides[axis] !== expected) return false;
    expected *= size;
  }
  return true;
}

/** The values of a tensor row by row; `stored` begins with its first value. */
function gathered(stored: Uint8Array, { shape, strides }: PickledTensor, width: number): Uint8Array {
  const result = new Uint8Array(countOf(shape) * width);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.length; to += width) {
    for (let byte = 0; byte < width; byte += 1) result[to + byte] = stored[from + byte] ?? 0;
    // On to the next index, the last axis first.
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const stride = (strides[axis] ?? 0) * width;
      const next = (index[axis] ?? 0) + 1;
      if (next < (shape[axis] ?? 1)) {
        index[axis] = next;
        from += stride;
        break;
      }
      index[axis] = 0;
      from -= (next - 1) * stride;
    }
  }
  return result;
}

function swapped(bytes: Uint8Array, width: number): Uint8Array {
  if (width > 1) for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
  return bytes;
}
