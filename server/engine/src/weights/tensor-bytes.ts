import { readExactly, withFile } from './file-bytes.ts';
import type { TensorInfo } from './weight-source.ts';

/**
 * The bytes of a tensor as its `dtype`, made or read.
 * @throws EngineError if the file cannot be read, or if they are made of a file that changed
 */
export async function tensorBytes(tensor: TensorInfo): Promise<Uint8Array> {
  const { made, file, offset, byteLength } = tensor;
  if (made === undefined) return withFile(file, (handle) => readExactly(handle, offset, byteLength));
  const bytes = await made.make();
  if (offset + byteLength > bytes.length) {
    throw new RangeError(`${tensor.name} was made with ${bytes.length} bytes only.`);
  }
  return bytes.subarray(offset, offset + byteLength);
}
