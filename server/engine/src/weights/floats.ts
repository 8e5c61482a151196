import type { TensorInfo } from './weight-source.ts';

/**
 * Little-endian bytes of a tensor as float32; whole numbers and truth values (0 or 1) too.
 * @throws RangeError for element types that are smaller than a byte, 8-bit floats, and complex numbers.
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
    case 'I64':
      return read(8, (offset) => Number(view.getBigInt64(offset, true)));
    case 'U64':
      return read(8, (offset) => Number(view.getBigUint64(offset, true)));
    case 'I32':
      return read(4, (offset) => view.getInt32(offset, true));
    case 'U32':
      return read(4, (offset) => view.getUint32(offset, true));
    case 'I16':
      return read(2, (offset) => view.getInt16(offset, true));
    case 'U16':
      return read(2, (offset) => view.getUint16(offset, true));
    case 'I8':
      return read(1, (offset) => view.getInt8(offset));
    case 'U8':
    case 'BOOL':
      return read(1, (offset) => view.getUint8(offset));
    case 'F8_E4M3':
      return read(1, (offset) => tinyToFloat(view.getUint8(offset), 4));
    case 'F8_E5M2':
      return read(1, (offset) => tinyToFloat(view.getUint8(offset), 5));
    default:
      throw new RangeError(`${name} has elements of type ${dtype}, which are not read.`);
  }
}

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** IEEE 754 binary16. By its bits, since there are billions of them in a file: twice as fast as by powers of two. */
export function halfToFloat(bits: number): number {
  const exponent = bits & 0x7c00;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return (bits & 0x8000 ? -1 : 1) * fraction * 2 ** -24;
  // The exponent counts from −15 there and from −127 here; that of infinity and NaN is all ones.
  const widened = exponent === 0x7c00 ? 0x7f80_0000 : (exponent << 13) + (112 << 23);
  floatBits[0] = ((bits & 0x8000) << 16) | widened | (fraction << 13);
  return float[0] ?? Number.NaN;
}

/** Eight bits, as ONNX and torch have them: E5M2 follows IEEE 754; E4M3FN has no infinity and one NaN of each sign. */
function tinyToFloat(bits: number, exponentBits: 4 | 5): number {
  if (exponentBits === 5) return halfToFloat(bits << 8);
  const sign = bits & 0x80 ? -1 : 1;
  const exponent = (bits >> 3) & 0xf;
  const fraction = bits & 7;
  if (exponent === 0) return sign * fraction * 2 ** -9;
  if (exponent === 0xf && fraction === 7) return Number.NaN;
  return sign * (1 + fraction / 8) * 2 ** (exponent - 7);
}
