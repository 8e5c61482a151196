// Names and shapes of the tensors in checkpoints, for any dimensions.

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

/** The dimensions of SDXL's base model. */
export const SDXL = {
  text: { width: 768, layers: 12, vocabulary: 49408 },
  secondText: { width: 1280, layers: 32, vocabulary: 49408 },
  unet: {
    channels: [320, 640, 1280],
    resBlocks: 2,
    depths: [0, 2, 10],
    middleDepth: 10,
    hasLinearProjections: true,
  },
  vae: STABLE_DIFFUSION_1_5.vae,
};

/** Names and shapes of all tensors of a checkpoint in the layout of SDXL. */
export function sdxlLayout({ text, secondText, unet, vae }) {
  const unetPrefix = 'model.diffusion_model.';
  const time = 4 * unet.channels[0];
  return [
    ...textLayout('conditioner.embedders.0.transformer.text_model.', text),
    ...openClipLayout('conditioner.embedders.1.model.', secondText),
    ...unetLayout(unetPrefix, unet, text.width + secondText.width),
    ...linear(`${unetPrefix}label_emb.0.0`, time, secondText.width + 6 * 256),
    ...linear(`${unetPrefix}label_emb.0.2`, time, time),
    ...vaeLayout('first_stage_model.', vae),
  ];
}

/** Names and shapes of all tensors of a checkpoint in the layout of SD 1.x. */
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

function openClipLayout(prefix, { width, layers, vocabulary }) {
  const layer = (name) => [
    ...norm(`${name}.ln_1`, width),
    { name: `${name}.attn.in_proj_weight`, shape: [3 * width, width] },
    { name: `${name}.attn.in_proj_bias`, shape: [3 * width] },
    ...linear(`${name}.attn.out_proj`, width, width),
    ...norm(`${name}.ln_2`, width),
    ...linear(`${name}.mlp.c_fc`, 4 * width, width),
    ...linear(`${name}.mlp.c_proj`, width, 4 * width),
  ];
  return [
    { name: `${prefix}token_embedding.weight`, shape: [vocabulary, width] },
    { name: `${prefix}positional_embedding`, shape: [77, width] },
    ...Array.from({ length: layers }, (_, index) => layer(`${prefix}transformer.resblocks.${index}`)).flat(),
    ...norm(`${prefix}ln_final`, width),
    { name: `${prefix}text_projection`, shape: [width, width] },
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
