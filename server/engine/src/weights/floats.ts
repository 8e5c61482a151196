import type { TensorInfo } from './weight-source.ts';

/**
 * Little-endian bytes of a tensor as float32.
 * @throws RangeError for element types that are no floats.
 */
export function floatsFrom(
  bytes: Uint8Array,
  { name, dtype }: Pick<TensorInfo, 'name' | 'dtype'>,
): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (width: number, at: (offset: number) => number): Float32Array =>
    Float32Array.from({ length: bytes.byteLength / width }, (_, index) => at(index * width));
  switch (dtype) {
    case 'F32':
      return read(4, (offset) => view.getFloat32(offset, true));
    case 'F64':
      return read(8, (offset) => view.getFloat64(offset, true));
    case 'F16':
      return read(2, (offset) => halfToFloat(view.getUint16(offset, true)));
    case 'BF16': {
      const bits = new DataView(new ArrayBuffer(4));
      return read(2, (offset) => {
        bits.setUint32(0, view.getUint16(offset, true) << 16);
        return bits.getFloat32(0);
      });
    }
    default:
      throw new RangeError(`${name} has elements of type ${dtype}, not floats.`);
  }
}

/** IEEE 754 binary16. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
