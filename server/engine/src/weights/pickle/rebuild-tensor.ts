import { FormatError } from '../format-error.ts';
import { MAX_RANK } from '../safetensors-header.ts';
import { countOf, ELEMENT_BITS, type ElementType } from '../weight-source.ts';
import { PickledTensor, PickleTuple, Storage, type PickleValue } from './values.ts';

/** A tensor whose values are used several times over may be this large when written out; masks are. */
const MAX_EXPANDED = 16 * 1024 * 1024;

/** `_rebuild_tensor(storage, offset, size, stride)`; `_v2` has more arguments, which are of no use here. */
export function rebuildTensor([storage, ...layout]: readonly PickleValue[]): PickledTensor {
  if (!(storage instanceof Storage)) throw new FormatError('its pickle has a tensor without a storage');
  if (storage.type === 'untyped') throw new FormatError('its pickle has a tensor without a type');
  return placed(storage.type, storage, layout);
}

/** `_rebuild_tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype)` over an untyped storage. */
export function rebuildTensorV3(
  [storage, ...layout]: readonly PickleValue[],
  dtype: ElementType,
): PickledTensor {
  if (!(storage instanceof Storage)) throw new FormatError('its pickle has a tensor without a storage');
  return placed(dtype, storage, layout);
}

function placed(dtype: ElementType, storage: Storage, layout: readonly PickleValue[]): PickledTensor {
  const [offset, size, stride] = layout;
  const shape = wholeNumbers(size);
  const strides = wholeNumbers(stride);
  if (typeof offset !== 'number' || !isWhole(offset) || shape === null || strides === null) {
    throw new FormatError('its pickle has a tensor whose shape is not made of whole numbers');
  }
  if (shape.length !== strides.length || shape.length > MAX_RANK) {
    throw new FormatError(
      `its pickle has a tensor of shape [${shape.slice(0, 9).join(', ')}] with ${strides.length} strides`,
    );
  }
  const width = ELEMENT_BITS[dtype] / 8;
  const length = storage.type === 'untyped' ? Math.floor(storage.size / width) : storage.size;
  const begin = storage.type === 'untyped' ? storage.begin / width : storage.begin;
  if (!Number.isInteger(begin)) throw new FormatError('its pickle has a tensor that begins within a value');
  const count = countOf(shape);
  const last = shape.reduce((sum, extent, axis) => sum + (extent - 1) * (strides[axis] ?? 0), offset);
  // Both sums are exact up to 2^53, and rounding cannot bring a larger one below the length of a storage.
  if (count > 0 && last >= length) {
    throw new FormatError(
      `its pickle has a tensor of shape [${shape.join(', ')}] that goes beyond its storage of ${length} values`,
    );
  }
  if (count > Math.max(length, MAX_EXPANDED)) {
    throw new FormatError(`its pickle has a tensor of ${count} values over a storage of ${length}`);
  }
  return new PickledTensor(dtype, storage, { offset: offset + begin, shape, strides });
}

function wholeNumbers(value: PickleValue | undefined): number[] | null {
  if (!(value instanceof PickleTuple) || !value.items.every(isWhole)) return null;
  return [...value.items];
}

function isWhole(value: PickleValue): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
