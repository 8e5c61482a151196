import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { floatsFile } from '../weights/safetensors-bytes.ts';
import { inspectFile } from './inspect-file.ts';
import { listModels } from './list-models.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-list-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A file with tensors of these shapes. */
function write(name: string, shapes: Record<string, number[]>): string {
  const path = join(folder, name);
  const tensors = Object.entries(shapes).map(([key, shape]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    return [key, { shape, values: new Array<number>(count).fill(0) }] as const;
  });
  writeFileSync(path, floatsFile(Object.fromEntries(tensors)));
  return path;
}

const pair = (module: string, width: number): Record<string, number[]> => ({
  [`${module}.lora_down.weight`]: [1, width],
  [`${module}.lora_up.weight`]: [1, 1],
});

describe('what a file is', () => {
  it.each([
    ['lora', 'sd1', pair('lora_unet_x_attn2_to_k', 768)],
    ['lora', 'sdxl', pair('lora_te2_x', 1)],
    ['lora', 'sdxl', { 'lora_unet_x_attn2_to_v.diff': [1, 2048] }],
    ['controlnet', 'sd2', { 'control_model.x.attn2.to_k.weight': [1, 1024] }],
    ['controlnet', 'sdxl', { 'controlnet_x.bias': [1], 'mid_block.attn2.to_k.weight': [1, 2048] }],
    ['t2i-adapter', null, { 'body.0.block1.weight': [1] }],
    ['t2i-adapter', 'sd1', { 'body.0.block1.weight': [1], 'conv_in.weight': [1, 192, 1, 1] }],
    [
      't2i-adapter',
      'sdxl',
      { 'adapter.body.0.block1.weight': [1], 'adapter.conv_in.weight': [1, 768, 1, 1] },
    ],
    ['ip-adapter', null, { 'image_proj.proj.weight': [1] }],
    ['ip-adapter', 'sd1', { 'image_proj.proj.weight': [1], 'ip_adapter.1.to_k_ip.weight': [1, 768] }],
    ['hypernetwork', 'sd1', { '768.0.linear1.weight': [1], '768.0.linear2.weight': [1] }],
    ['hypernetwork', 'sd2', { '320.0.linear.0.weight': [1], '1024.0.linear.0.weight': [1] }],
    ['embedding', 'sd1', { emb_params: [2, 768] }],
    ['embedding', 'sd2', { '<cat>': [1024] }],
    ['embedding', 'sdxl', { clip_g: [1, 1280], clip_l: [1, 768] }],
    ['image-encoder', null, { 'vision_model.embeddings.class_embedding': [1] }],
    ['text-encoder', null, { 'text_model.final_layer_norm.bias': [1] }],
    [
      'text-encoder',
      null,
      { 'embeddings.token_embedding.weight': [1], 'encoder.layers.0.mlp.fc1.bias': [1] },
    ],
    ['taesd', null, { 'decoder.layers.3.conv.0.weight': [1] }],
    ['vae', null, { 'decoder.conv_in.weight': [1], 'encoder.conv_in.weight': [1] }],
    ['taesd', null, { '1.conv.0.weight': [1] }],
    ['upscaler', null, { 'body.0.weight': [1, 1, 1, 1], 'body.1.weight': [1] }],
    ['unsupported', null, { 'double_blocks.0.img_attn.qkv.weight': [1] }],
    ['upscaler', null, { 'module.conv_first.weight': [1] }],
    ['unknown', null, { weight: [1] }],
  ] as const)('is told by content: %s, %s', async (kind, family, shapes) => {
    const path = write('a.safetensors', shapes as unknown as Record<string, number[]>);
    expect(await inspectFile(path)).toMatchObject({ kind, family, card: null, lacks: [] });
  });
});

it('lists what lies in a folder, a broken file with its problem', async () => {
  const root = join(folder, 'models');
  mkdirSync(join(root, 'loras'), { recursive: true });
  mkdirSync(join(root, '.hidden'));
  write('models/b.safetensors', { emb_params: [1, 768] });
  write('models/loras/a.safetensors', pair('lora_te_x', 1));
  write('models/unet.safetensors', {
    'input_blocks.0.0.weight': [2, 4, 3, 3],
    'output_blocks.0.0.in_layers.0.weight': [1],
    'input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight': [1, 2048],
    'label_emb.0.0.weight': [1],
  });
  write('models/.hidden/c.safetensors', { emb_params: [1, 768] });
  writeFileSync(join(root, 'broken.ckpt'), '<html>');
  writeFileSync(join(root, 'notes.txt'), 'x');
  symlinkSync(root, join(root, 'loras', 'again'));
  const found = [];
  for await (const model of listModels(root)) found.push(model);
  expect(found).toMatchObject([
    { path: join(root, 'b.safetensors'), kind: 'embedding' },
    { path: join(root, 'broken.ckpt'), problem: { code: 'model-invalid' } },
    {
      path: join(root, 'unet.safetensors'),
      kind: 'checkpoint',
      family: 'sdxl',
      lacks: ['text encoder', 'VAE'],
    },
    { path: join(root, 'loras', 'a.safetensors'), kind: 'lora' },
  ]);
  await expect(listModels(join(root, 'nowhere')).next()).rejects.toMatchObject({ code: 'model-not-found' });
});
