// Writes a checkpoint in the SD 1.x layout with random weights: `node bench/full-size-checkpoint.mjs /tmp/full-size.safetensors`.
// The default is the size of Stable Diffusion 1.5 (860 M UNet, 123 M text encoder, 84 M VAE; 2.1 GB in fp16), to
// measure loading and running without anybody's weights. Tests use the same functions for tiny checkpoints.
//
// Values are 8-bit integers times a power of two, from a hash of name and position: exact in fp16, bf16 and fp32, the
// same on every machine, and scaled by fan-in so that activations stay finite.
import { open } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

/** The dimensions of Stable Diffusion 1.5. */
export const STABLE_DIFFUSION_1_5 = {
  text: { width: 768, layers: 12, vocabulary: 49408 },
  unet: {
    channels: [320, 640, 1280, 1280],
    resBlocks: 2,
    depths: [1, 1, 1, 0],
    middleDepth: 1,
    hasLinearProjections: false,
  },
  vae: { channels: [128, 256, 512, 512], resBlocks: 2 },
};

/** Names and shapes of all tensors of a checkpoint with such dimensions. */
export function sd1Layout({ text, unet, vae }) {
  return [
    ...textLayout('cond_stage_model.transformer.text_model.', text),
    ...unetLayout('model.diffusion_model.', unet, text.width),
    ...vaeLayout('first_stage_model.', vae),
  ];
}

const linear = (name, outputs, inputs, hasBias = true) => [
  { name: `${name}.weight`, shape: [outputs, inputs] },
  ...(hasBias ? [{ name: `${name}.bias`, shape: [outputs] }] : []),
];
const conv = (name, outputs, inputs, kernel = 3) => [
  { name: `${name}.weight`, shape: [outputs, inputs, kernel, kernel] },
  { name: `${name}.bias`, shape: [outputs] },
];
const norm = (name, width) => [
  { name: `${name}.weight`, shape: [width] },
  { name: `${name}.bias`, shape: [width] },
];

function textLayout(prefix, { width, layers, vocabulary }) {
  const layer = (name) => [
    ...norm(`${name}.layer_norm1`, width),
    ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].flatMap((part) =>
      linear(`${name}.self_attn.${part}`, width, width),
    ),
    ...norm(`${name}.layer_norm2`, width),
    ...linear(`${name}.mlp.fc1`, 4 * width, width),
    ...linear(`${name}.mlp.fc2`, width, 4 * width),
  ];
  return [
    { name: `${prefix}embeddings.token_embedding.weight`, shape: [vocabulary, width] },
    { name: `${prefix}embeddings.position_embedding.weight`, shape: [77, width] },
    ...Array.from({ length: layers }, (_, index) => layer(`${prefix}encoder.layers.${index}`)).flat(),
    ...norm(`${prefix}final_layer_norm`, width),
  ];
}

function unetLayout(
  prefix,
  { channels, resBlocks, depths, middleDepth, hasLinearProjections },
  contextWidth,
) {
  const [base] = channels;
  const time = 4 * base;
  const residual = (name, inputs, outputs) => [
    ...norm(`${name}.in_layers.0`, inputs),
    ...conv(`${name}.in_layers.2`, outputs, inputs),
    ...linear(`${name}.emb_layers.1`, outputs, time),
    ...norm(`${name}.out_layers.0`, outputs),
    ...conv(`${name}.out_layers.3`, outputs, outputs),
    ...(inputs === outputs ? [] : conv(`${name}.skip_connection`, outputs, inputs, 1)),
  ];
  const projection = (name, width) =>
    hasLinearProjections ? linear(name, width, width) : conv(name, width, width, 1);
  const attention = (name, width, fromWidth) => [
    ...linear(`${name}.to_q`, width, width, false),
    ...linear(`${name}.to_k`, width, fromWidth, false),
    ...linear(`${name}.to_v`, width, fromWidth, false),
    ...linear(`${name}.to_out.0`, width, width),
  ];
  const transformerBlock = (name, width) => [
    ...attention(`${name}.attn1`, width, width),
    ...attention(`${name}.attn2`, width, contextWidth),
    ...linear(`${name}.ff.net.0.proj`, 8 * width, width),
    ...linear(`${name}.ff.net.2`, width, 4 * width),
    ...['norm1', 'norm2', 'norm3'].flatMap((part) => norm(`${name}.${part}`, width)),
  ];
  const transformer = (name, width, depth) => [
    ...norm(`${name}.norm`, width),
    ...projection(`${name}.proj_in`, width),
    ...Array.from({ length: depth }, (_, index) =>
      transformerBlock(`${name}.transformer_blocks.${index}`, width),
    ).flat(),
    ...projection(`${name}.proj_out`, width),
  ];

  const tensors = [
    ...linear(`${prefix}time_embed.0`, time, base),
    ...linear(`${prefix}time_embed.2`, time, time),
    ...conv(`${prefix}input_blocks.0.0`, base, 4),
  ];
  const skips = [base];
  let width = base;
  for (const [level, outputs] of channels.entries()) {
    for (let index = 0; index < resBlocks; index += 1) {
      const name = `${prefix}input_blocks.${skips.length}`;
      tensors.push(...residual(`${name}.0`, width, outputs));
      if (depths[level] > 0) tensors.push(...transformer(`${name}.1`, outputs, depths[level]));
      width = outputs;
      skips.push(width);
    }
    if (level < channels.length - 1) {
      tensors.push(...conv(`${prefix}input_blocks.${skips.length}.0.op`, width, width));
      skips.push(width);
    }
  }
  tensors.push(
    ...residual(`${prefix}middle_block.0`, width, width),
    ...transformer(`${prefix}middle_block.1`, width, middleDepth),
    ...residual(`${prefix}middle_block.2`, width, width),
  );
  const blocks = skips.length;
  for (const [level, outputs] of [...channels.entries()].reverse()) {
    for (let index = 0; index <= resBlocks; index += 1) {
      const name = `${prefix}output_blocks.${blocks - skips.length}`;
      tensors.push(...residual(`${name}.0`, width + skips.pop(), outputs));
      if (depths[level] > 0) tensors.push(...transformer(`${name}.1`, outputs, depths[level]));
      width = outputs;
      if (level > 0 && index === resBlocks) {
        tensors.push(...conv(`${name}.${depths[level] > 0 ? 2 : 1}.conv`, width, width));
      }
    }
  }
  return [...tensors, ...norm(`${prefix}out.0`, base), ...conv(`${prefix}out.2`, 4, base)];
}

function vaeLayout(prefix, { channels, resBlocks }) {
  const residual = (name, inputs, outputs) => [
    ...norm(`${name}.norm1`, inputs),
    ...conv(`${name}.conv1`, outputs, inputs),
    ...norm(`${name}.norm2`, outputs),
    ...conv(`${name}.conv2`, outputs, outputs),
    ...(inputs === outputs ? [] : conv(`${name}.nin_shortcut`, outputs, inputs, 1)),
  ];
  const middle = (name, width) => [
    ...residual(`${name}.block_1`, width, width),
    ...norm(`${name}.attn_1.norm`, width),
    ...['q', 'k', 'v', 'proj_out'].flatMap((part) => conv(`${name}.attn_1.${part}`, width, width, 1)),
    ...residual(`${name}.block_2`, width, width),
  ];
  const first = channels[0];
  const last = channels.at(-1);
  const encoder = `${prefix}encoder`;
  const decoder = `${prefix}decoder`;
  const tensors = [...conv(`${encoder}.conv_in`, first, 3)];
  let width = first;
  for (const [level, outputs] of channels.entries()) {
    for (let index = 0; index < resBlocks; index += 1) {
      tensors.push(...residual(`${encoder}.down.${level}.block.${index}`, width, outputs));
      width = outputs;
    }
    if (level < channels.length - 1)
      tensors.push(...conv(`${encoder}.down.${level}.downsample.conv`, width, width));
  }
  tensors.push(
    ...middle(`${encoder}.mid`, last),
    ...norm(`${encoder}.norm_out`, last),
    ...conv(`${encoder}.conv_out`, 8, last),
  );
  tensors.push(...conv(`${decoder}.conv_in`, last, 4), ...middle(`${decoder}.mid`, last));
  for (const [level, outputs] of [...channels.entries()].reverse()) {
    for (let index = 0; index <= resBlocks; index += 1) {
      tensors.push(...residual(`${decoder}.up.${level}.block.${index}`, width, outputs));
      width = outputs;
    }
    if (level > 0) tensors.push(...conv(`${decoder}.up.${level}.upsample.conv`, width, width));
  }
  return [
    ...tensors,
    ...norm(`${decoder}.norm_out`, first),
    ...conv(`${decoder}.conv_out`, 3, first),
    ...conv(`${prefix}quant_conv`, 8, 8, 1),
    ...conv(`${prefix}post_quant_conv`, 4, 4, 1),
  ];
}

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
  const path = process.argv[2];
  if (path === undefined) {
    console.error('Usage: node bench/full-size-checkpoint.mjs <path of the file to write, 2.1 GB>');
    process.exit(2);
  }
  const started = performance.now();
  const layout = sd1Layout(STABLE_DIFFUSION_1_5);
  await writeCheckpoint(path, layout);
  const millions = layout.reduce((sum, { shape }) => sum + count(shape), 0) / 1e6;
  console.log(
    `${path}: ${layout.length} tensors, ${millions.toFixed(0)} M parameters, ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
}
