import type { TensorInfo, WeightSource } from './weight-source.ts';

/**
 * Another source's tensors under other names, or as other views of the same bytes (rows of a tensor, another shape).
 * Nothing is copied: the tensors still lie in the files of `source`, which is what reads and checks them.
 * @param tensors by their new names.
 */
export function viewOf(source: WeightSource, tensors: ReadonlyMap<string, TensorInfo>): WeightSource {
  const named = new Map<string, TensorInfo>();
  for (const [name, tensor] of tensors) named.set(name, tensor.name === name ? tensor : { ...tensor, name });
  return {
    path: source.path,
    name: source.name,
    sizeBytes: source.sizeBytes,
    metadata: source.metadata,
    tensors: named,
    readFloats: (tensor) => source.readFloats(tensor),
    checkUnchanged: () => source.checkUnchanged(),
  };
}

/** The tensors of `source` that `names` (old to new) mentions, under their new names. */
export function renamedSource(source: WeightSource, names: ReadonlyMap<string, string>): WeightSource {
  const tensors = new Map<string, TensorInfo>();
  for (const [from, to] of names) {
    const tensor = source.tensors.get(from);
    if (tensor !== undefined) tensors.set(to, tensor);
  }
  return viewOf(source, tensors);
}

/**
 * Rows `first` to `last` (exclusive) of a tensor: a part of its bytes.
 * @throws RangeError if there are no such rows, or if the tensor is not stored plainly.
 */
export function rowsOf(tensor: TensorInfo, first: number, last: number): TensorInfo {
  const [rows = 0, ...rest] = tensor.shape;
  const rowBytes = tensor.byteLength / rows;
  if (!Number.isInteger(rowBytes) || first < 0 || first >= last || last > rows) {
    throw new RangeError(
      `${tensor.name} of shape [${tensor.shape.join(', ')}] has no rows ${first} to ${last}.`,
    );
  }
  return {
    ...tensor,
    shape: [last - first, ...rest],
    offset: tensor.offset + first * rowBytes,
    byteLength: (last - first) * rowBytes,
  };
}
