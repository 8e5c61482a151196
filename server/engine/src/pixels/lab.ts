/**
 * Bytes of sRGB as bytes of CIE L*a*b* (D65) and back: L stretched to 0…255, a and b moved by 128, as OpenCV's `COLOR_RGB2LAB`
 * on 8-bit pictures. There it counts in fixed point with these numbers of bits.
 */
const GAMMA_BITS = 3;
const ROOT_BITS = 15;
const MATRIX_BITS = 12;

/** Rows of the matrix from linear sRGB to XYZ, and the white point. */
const TO_XYZ = [
  [0.412453, 0.35758, 0.180423],
  [0.212671, 0.71516, 0.072169],
  [0.019334, 0.119193, 0.950227],
] as const;
const FROM_XYZ = [
  [3.240479, -1.53715, -0.498535],
  [-0.969256, 1.875991, 0.041556],
  [0.055648, -0.204043, 1.057311],
] as const;
const WHITE = [0.950456, 1, 1.088754] as const;

const linear = (value: number): number =>
  value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const encoded = (value: number): number =>
  value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055;

const LINEAR = Array.from({ length: 256 }, (_, byte) =>
  Math.round(255 * 2 ** GAMMA_BITS * linear(byte / 255)),
);
/** Cube roots, straight near 0. */
const ROOTS = Array.from({ length: 384 * 2 ** GAMMA_BITS }, (_, i) => {
  const x = i / (255 * 2 ** GAMMA_BITS);
  return Math.round(2 ** ROOT_BITS * (x < 0.008856 ? x * 7.787 + 16 / 116 : Math.cbrt(x)));
});
const MATRIX = TO_XYZ.map((row, i) =>
  row.map((factor) => Math.round((2 ** MATRIX_BITS * factor) / WHITE[i]!)),
);

/** Divides by 2^bits and rounds; halves go up. */
const shifted = (value: number, bits: number): number => Math.floor((value + 2 ** (bits - 1)) / 2 ** bits);

/** @param rgb Interleaved, three bytes a pixel. */
export function labOf(rgb: Uint8Array): Uint8Array {
  const lab = new Uint8ClampedArray(rgb.length);
  const [scale, offset] = [
    Math.floor((116 * 255 + 50) / 100),
    Math.floor((16 * 255 * 2 ** ROOT_BITS + 50) / 100),
  ];
  const middle = 128 * 2 ** ROOT_BITS;
  for (let i = 0; i < rgb.length; i += 3) {
    const [r, g, b] = [LINEAR[rgb[i]!]!, LINEAR[rgb[i + 1]!]!, LINEAR[rgb[i + 2]!]!];
    const [x, y, z] = MATRIX.map(
      (row) => ROOTS[shifted(row[0]! * r + row[1]! * g + row[2]! * b, MATRIX_BITS)]!,
    ) as [number, number, number];
    lab[i] = shifted(scale * y - offset, ROOT_BITS);
    lab[i + 1] = shifted(500 * (x - y) + middle, ROOT_BITS);
    lab[i + 2] = shifted(200 * (y - z) + middle, ROOT_BITS);
  }
  return new Uint8Array(lab.buffer);
}

/** Back, in floating point, where OpenCV's fixed point differs by 2 at most. Colours that sRGB lacks are clamped. */
export function rgbOf(lab: Uint8Array): Uint8Array {
  const rgb = new Uint8ClampedArray(lab.length); // rounds
  for (let i = 0; i < lab.length; i += 3) {
    const xyz = xyzOf((lab[i]! * 100) / 255, lab[i + 1]! - 128, lab[i + 2]! - 128);
    FROM_XYZ.forEach((row, channel) => {
      const light = row[0] * xyz[0] + row[1] * xyz[1] + row[2] * xyz[2];
      rgb[i + channel] = 255 * encoded(Math.min(Math.max(light, 0), 1));
    });
  }
  return new Uint8Array(rgb.buffer);
}

function xyzOf(l: number, a: number, b: number): [number, number, number] {
  const y = (l + 16) / 116;
  const cubed = (root: number) => (root <= 6 / 29 ? (root - 16 / 116) / 7.787 : root ** 3);
  return [cubed(y + a / 500) * WHITE[0], l <= 8 ? l / 903.3 : y ** 3, cubed(y - b / 200) * WHITE[2]];
}
