import { expect, it } from 'vitest';
import type { TensorInfo, WeightSource } from '../weights/weight-source.ts';
import { recognise } from './recognise.ts';

function sourceWith(names: readonly string[], shapes: Record<string, number[]> = {}): WeightSource {
  const tensors = new Map(
    [...names, ...Object.keys(shapes)].map((name): [string, TensorInfo] => [
      name,
      { name, dtype: 'F16', shape: shapes[name] ?? [1], file: '/x', offset: 0, byteLength: 0 },
    ]),
  );
  const source: Partial<WeightSource> = {
    name: 'x.safetensors',
    tensors,
    metadata: new Map(),
  };
  return source as WeightSource;
}

const UNET = 'model.diffusion_model.';
const INPUT = `${UNET}input_blocks.0.0.weight`;
const CONTEXT = `${UNET}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight`;
const unet = [`${UNET}output_blocks.0.0.in_layers.0.weight`];
const CLIP = 'transformer.text_model.embeddings.token_embedding.weight';
const OPEN_CLIP = 'model.transformer.resblocks.0.attn.in_proj_weight';
const VAE = 'first_stage_model.decoder.mid.block_1.norm1.weight';
const sd1 = [...unet, `cond_stage_model.${CLIP}`, VAE];
const sd2 = [...unet, `cond_stage_model.${OPEN_CLIP}`, VAE];
const sdxl = [...unet, `conditioner.embedders.0.${CLIP}`, `conditioner.embedders.1.${OPEN_CLIP}`, VAE];
const shapes = (channels = 4, context = 768): Record<string, number[]> => ({
  [INPUT]: [320, channels, 3, 3],
  [CONTEXT]: [320, context],
  [`cond_stage_model.${OPEN_CLIP}`]: [96, 32],
  [`conditioner.embedders.0.${OPEN_CLIP}`]: [96, 32],
  [`conditioner.embedders.1.${OPEN_CLIP}`]: [96, 32],
});
/** Shapes of those tensors that are in the file. */
const among = (names: readonly string[], channels = 4, context = 768): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(shapes(channels, context)).filter(
      ([name]) => name === INPUT || name === CONTEXT || names.includes(name),
    ),
  );
const LABEL = `${UNET}label_emb.0.0.weight`;

it('knows an SD 1.x checkpoint by its three networks, whatever else is in the file', () => {
  const names = [...sd1, 'model_ema.decay', 'betas', 'cond_stage_model.logit_scale'];
  expect(recognise(sourceWith(names, among(names)))).toMatchObject({
    family: 'sd1',
    task: 'text',
    towers: [{ layout: 'clip', weights: { prefix: 'cond_stage_model.transformer.text_model.' } }],
    unet: { prefix: UNET },
    vae: { prefix: 'first_stage_model.' },
  });
});

it('knows files in which the text encoder has its older name', () => {
  const names = sd1.map((name) => name.replace('text_model.', ''));
  const [tower] = recognise(sourceWith(names, among(names))).towers;
  expect(tower?.weights.prefix).toBe('cond_stage_model.transformer.');
});

it.each([
  ['sd2', sd2, 1024, [{ padding: 0, layer: 2, isNormed: true }]],
  [
    'sdxl',
    [...sdxl, LABEL],
    2048,
    [
      { padding: null, isNormed: false },
      { padding: 0, isPooled: true },
    ],
  ],
  [
    'sdxl-refiner',
    [...unet, `conditioner.embedders.0.${OPEN_CLIP}`, VAE, LABEL],
    1280,
    [{ padding: 0, isPooled: true }],
  ],
])('knows %s and how it uses its text encoders', (family, names, context, uses) => {
  const parts = recognise(sourceWith(names, among(names, 4, context)));
  expect(parts).toMatchObject({ family, task: 'text', towers: uses.map((use) => ({ use })) });
});

it.each([
  [9, 'inpaint'],
  [5, 'depth'],
  [8, 'instruct'],
])('tells what a UNet with %i input channels takes beside the latents', (channels, task) => {
  expect(recognise(sourceWith(sd1, among(sd1, channels))).task).toBe(task);
});

it('says what it does with other numbers of input channels', () => {
  expect(() => recognise(sourceWith(sd1, among(sd1, 7)))).toThrow(/7 input channels, as upscaling/);
  expect(() => recognise(sourceWith(sd1, among(sd1, 16)))).toThrow(/16 input channels; 4, 5/);
});

it.each([
  ['a LoRA', ['lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight']],
  ['a LoRA', ['unet.down_blocks.0.attentions.0.proj_in.lora_A.weight']],
  ['a LoRA', ['lora_te_text_model_encoder_layers_0_mlp_fc1.hada_w1_a']],
  ['an SD 3 checkpoint', [`${UNET}joint_blocks.0.x_block.attn.qkv.weight`]],
  ['a Flux model', ['double_blocks.0.img_attn.qkv.weight']],
  ['a ControlNet', ['control_model.input_blocks.0.0.weight']],
  ['a ControlNet', ['input_blocks.0.0.weight', 'zero_convs.0.0.weight']],
  ['a T2I-Adapter', ['body.0.block1.weight']],
  ['an IP-Adapter', ['image_proj.proj.weight', 'ip_adapter.1.to_k_ip.weight']],
  ['an embedding', ['emb_params']],
  ['a text encoder', ['text_model.embeddings.token_embedding.weight']],
  ['a VAE', ['decoder.conv_in.weight', 'encoder.conv_in.weight']],
  ['a VAE', ['first_stage_model.decoder.conv_in.weight']],
  ['a TAESD network', ['1.weight', '3.conv.0.weight']],
  ['an upscaler', ['conv_first.weight']],
])('says that it looks like %s: %j', (what, names) => {
  expect(() => recognise(sourceWith(names))).toThrow(new RegExp(`^"x.safetensors" looks like ${what}`));
});

it('says which network is missing, and takes it from another file', () => {
  const bare = sourceWith(unet, among(unet));
  expect(() => recognise(bare)).toThrow('a UNet of Stable Diffusion 1.x but no text encoder and no VAE.');
  const whole = sourceWith(sd1, among(sd1));
  expect(() => recognise(bare, { vae: whole })).toThrow('1.x but no text encoder.');
  expect(recognise(bare, { vae: whole, text: [whole] })).toMatchObject({
    family: 'sd1',
    vae: { source: whole },
  });
  expect(() => recognise(whole, { vae: bare })).toThrow('holds no VAE');
});

it('takes text encoders that lie alone, SDXL’s two in any order', () => {
  const names = [...unet, VAE];
  const xl = sourceWith(names, { ...among(names, 4, 2048), [LABEL]: [1280, 2816] });
  const lone = (width: number): WeightSource =>
    sourceWith([], { 'text_model.embeddings.token_embedding.weight': [49_408, width] });
  const [narrow, wide] = [lone(768), lone(1280)];
  for (const text of [
    [narrow, wide],
    [wide, narrow],
  ]) {
    expect(recognise(xl, { text }).towers).toMatchObject([
      { weights: { source: narrow, prefix: 'text_model.' }, use: { isPooled: false } },
      { weights: { source: wide }, use: { isPooled: true } },
    ]);
  }
  expect(() => recognise(xl, { text: [wide] })).toThrow(
    '"x.safetensors" (a text encoder) holds no text encoder of SDXL.',
  );
  const sd = sourceWith(names, among(names));
  expect(recognise(sd, { text: [narrow] }).towers).toHaveLength(1);
  expect(() => recognise(sd, { text: [narrow, wide] })).toThrow(
    'hold no text encoder of Stable Diffusion 1.x',
  );
});

it('knows a refiner under the names of transformers by its one text encoder, as wide as its UNet takes', () => {
  const names = [...unet, `conditioner.embedders.0.${CLIP}`, VAE];
  const of = (context: number): WeightSource =>
    sourceWith(names, {
      ...among(names, 4, context),
      [LABEL]: [64, 64],
      [`conditioner.embedders.0.${CLIP}`]: [49_408, 64],
    });
  expect(recognise(of(64))).toMatchObject({ family: 'sdxl-refiner', towers: [{ use: { isPooled: true } }] });
  expect(() => recognise(of(128))).toThrow('has a UNet of SDXL but no text encoder');
});

it('tells a checkpoint that lost its UNet', () => {
  expect(() => recognise(sourceWith(sd1.slice(1)))).toThrow('has a text encoder and a VAE but no UNet');
});

it('says so when it does not know a file at all', () => {
  expect(() => recognise(sourceWith(['weight', 'bias']))).toThrow(
    '"x.safetensors" is not a known kind of checkpoint.',
  );
  expect(() => recognise(sourceWith([]))).toThrow('is not a known kind of checkpoint.');
});
