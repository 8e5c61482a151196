// Writes a full-size checkpoint with random weights: `node bench/full-size-checkpoint.mjs /tmp/full-size.safetensors [sdxl]`.
// The default is the layout and size of Stable Diffusion 1.5 (860 M UNet, 123 M text encoder, 84 M VAE; 2.1 GB in fp16),
// `sdxl` those of SDXL (2.6 G UNet, 0.8 G text encoders; 6.9 GB), to measure loading and running without anybody's weights.
// Tests use the same functions for tiny checkpoints.
//
// Values are 8-bit integers times a power of two, from a hash of name and position: exact in fp16, bf16 and fp32, the
// same on every machine, and scaled by fan-in so that activations stay finite.
import { open } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { SDXL, sd1Layout, sdxlLayout, STABLE_DIFFUSION_1_5 } from './layouts.mjs';

const ELEMENT_BYTES = { F16: 2, BF16: 2, F32: 4 };

/** Writes the tensors of a layout as a safetensors file, a few MB at a time. */
export async function writeCheckpoint(path, layout, { dtype = 'F16', metadata = {} } = {}) {
  const header = { __metadata__: metadata };
  let offset = 0;
  for (const { name, shape } of layout) {
    const length = ELEMENT_BYTES[dtype] * count(shape);
    header[name] = { dtype, shape, data_offsets: [offset, offset + length] };
    offset += length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  const file = await open(path, 'w');
  try {
    await file.writeFile(Buffer.concat([prefix, text]));
    for (const { name, shape } of layout) {
      const codes = Array.from({ length: 256 }, (_, byte) => encode(valueOf(name, shape, byte - 128), dtype));
      const seed = hash(name);
      const total = count(shape);
      for (let start = 0; start < total; start += CHUNK) {
        await file.writeFile(chunk(codes, seed, start, Math.min(CHUNK, total - start), ELEMENT_BYTES[dtype]));
      }
    }
  } finally {
    await file.close();
  }
}

/** Values written at once. */
const CHUNK = 4 * 1024 * 1024;
const count = (shape) => shape.reduce((product, size) => product * size, 1);

function chunk(codes, seed, start, length, elementBytes) {
  const values = elementBytes === 4 ? new Uint32Array(length) : new Uint16Array(length);
  const table = elementBytes === 4 ? Uint32Array.from(codes) : Uint16Array.from(codes);
  for (let index = 0; index < length; index += 1) {
    // The finalizer of MurmurHash3, over the position.
    let bits = seed ^ Math.imul(start + index, 0x9e3779b1);
    bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    values[index] = table[(bits ^ (bits >>> 16)) & 0xff];
  }
  return new Uint8Array(values.buffer);
}

/** What an integer from -128 to 127 means in this tensor. */
function valueOf(name, shape, integer) {
  if (name.endsWith('embedding.weight')) return integer / 2 ** 12;
  if (shape.length > 1) {
    const fanIn = count(shape.slice(1));
    return integer / 2 ** Math.round(Math.log2(74 * Math.sqrt(fanIn))); // 74: standard deviation of the integers
  }
  return name.endsWith('.bias') ? integer / 2 ** 10 : 1 + (integer >> 4) / 64;
}

/** The bits of a value that the type holds exactly. */
function encode(value, dtype) {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  const bits = view.getUint32(0);
  if (dtype === 'F32') return bits;
  if (dtype === 'BF16') return bits >>> 16;
  if (value === 0) return 0;
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15;
  if (exponent < 1 || exponent > 30) throw new RangeError(`${value} is not a normal number in fp16.`);
  return ((bits >>> 16) & 0x8000) | (exponent << 10) | ((bits >>> 13) & 0x3ff);
}

/** FNV-1a. */
function hash(text) {
  let bits = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    bits = Math.imul(bits ^ text.charCodeAt(index), 0x01000193);
  return bits;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , path, family = 'sd1'] = process.argv;
  if (path === undefined || !['sd1', 'sdxl'].includes(family)) {
    console.error(
      'Usage: node bench/full-size-checkpoint.mjs <path of the file to write> [sd1 (2.1 GB) | sdxl (6.9 GB)]',
    );
    process.exit(2);
  }
  const started = performance.now();
  const layout = family === 'sdxl' ? sdxlLayout(SDXL) : sd1Layout(STABLE_DIFFUSION_1_5);
  await writeCheckpoint(path, layout);
  const millions = layout.reduce((sum, { shape }) => sum + count(shape), 0) / 1e6;
  console.log(
    `${path}: ${layout.length} tensors, ${millions.toFixed(0)} M parameters, ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
}
