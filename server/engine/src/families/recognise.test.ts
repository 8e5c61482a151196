import { expect, it } from 'vitest';
import type { TensorInfo, WeightSource } from '../weights/weight-source.ts';
import { recognise } from './recognise.ts';

function sourceWith(
  names: readonly string[],
  shapes: Record<string, number[]> = {},
  metadata: Record<string, string> = {},
): WeightSource {
  const tensors = new Map(
    [...names, ...Object.keys(shapes)].map((name): [string, TensorInfo] => [
      name,
      { name, dtype: 'F16', shape: shapes[name] ?? [1], file: '/x', offset: 0, byteLength: 0 },
    ]),
  );
  const source: Partial<WeightSource> = {
    name: 'x.safetensors',
    tensors,
    metadata: new Map(Object.entries(metadata)),
  };
  return source as WeightSource;
}

const UNET = 'model.diffusion_model.';
const INPUT = `${UNET}input_blocks.0.0.weight`;
const TEXT = 'cond_stage_model.transformer.text_model.embeddings.token_embedding.weight';
const VAE = 'first_stage_model.decoder.conv_in.weight';
const sd1 = [INPUT, TEXT, VAE];
const shapes = { [INPUT]: [320, 4, 3, 3] };

it('knows an SD 1.x checkpoint by its three networks, whatever else is in the file', () => {
  const source = sourceWith([...sd1, 'model_ema.decay', 'betas', 'cond_stage_model.logit_scale'], shapes);
  expect(recognise(source)).toMatchObject({
    family: 'sd1',
    prediction: 'epsilon',
    text: { prefix: 'cond_stage_model.transformer.text_model.' },
    unet: { prefix: UNET },
    vae: { prefix: 'first_stage_model.' },
  });
});

it('knows files in which the text encoder has its older name', () => {
  const source = sourceWith([INPUT, TEXT.replace('text_model.', ''), VAE], shapes);
  expect(recognise(source).text.prefix).toBe('cond_stage_model.transformer.');
});

it.each([
  [['v_pred'], {}],
  [[], { 'modelspec.prediction_type': 'v' }],
  [[], { 'modelspec.prediction_type': 'V_Prediction' }],
])('takes v-prediction from a key (%j) or from metadata (%j)', (names, metadata) => {
  expect(recognise(sourceWith([...sd1, ...names], shapes, metadata)).prediction).toBe('v');
});

it.each([
  ['a LoRA', ['lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight']],
  ['a LoRA', ['unet.down_blocks.0.attentions.0.proj_in.lora_A.weight']],
  ['a LoRA', ['lora_te_text_model_encoder_layers_0_mlp_fc1.hada_w1_a']],
  [
    'an SDXL checkpoint',
    [INPUT, 'conditioner.embedders.0.transformer.text_model.final_layer_norm.bias', VAE],
  ],
  ['an SD 2.x checkpoint', [INPUT, 'cond_stage_model.model.positional_embedding', VAE]],
  ['an SD 3 checkpoint', [`${UNET}joint_blocks.0.x_block.attn.qkv.weight`]],
  ['a Flux model', ['double_blocks.0.img_attn.qkv.weight']],
  ['a ControlNet', ['control_model.input_blocks.0.0.weight']],
  ['a T2I-Adapter', ['body.0.block1.weight']],
  ['an embedding', ['emb_params']],
  ['a UNet in the diffusers layout', ['down_blocks.0.resnets.0.conv1.weight']],
  ['a text encoder', ['text_model.embeddings.token_embedding.weight']],
  ['a VAE', ['decoder.conv_in.weight', 'encoder.conv_in.weight']],
  ['a VAE', ['first_stage_model.decoder.conv_in.weight']],
  ['a TAESD network', ['1.weight', '3.conv.0.weight']],
])('says that it looks like %s: %j', (what, names) => {
  expect(() => recognise(sourceWith(names))).toThrow(new RegExp(`^"x.safetensors" looks like ${what}`));
});

it.each([
  [9, 'an inpainting checkpoint'],
  [5, 'a depth checkpoint'],
  [8, 'an InstructPix2Pix checkpoint'],
  [16, 'a checkpoint for another kind of latents'],
])('tells a UNet with %i input channels apart as %s', (channels, what) => {
  const source = sourceWith(sd1, { [INPUT]: [320, channels, 3, 3] });
  expect(() => recognise(source)).toThrow(what);
});

it('says which network is missing', () => {
  expect(() => recognise(sourceWith([INPUT, VAE], shapes))).toThrow('has a UNet but no text encoder.');
  expect(() => recognise(sourceWith([INPUT, TEXT], shapes))).toThrow('has a UNet but no VAE.');
  expect(() => recognise(sourceWith([INPUT], shapes))).toThrow('has a UNet but no text encoder and no VAE.');
});

it('says so when it does not know a file at all', () => {
  expect(() => recognise(sourceWith(['weight', 'bias']))).toThrow(
    '"x.safetensors" is not a known kind of checkpoint.',
  );
  expect(() => recognise(sourceWith([]))).toThrow('is not a known kind of checkpoint.');
});
