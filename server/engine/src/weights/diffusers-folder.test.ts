import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EngineError } from '../errors.ts';
import { openDiffusersFolder, type ModelFolder } from './diffusers-folder.ts';
import { floatsFile } from './safetensors-bytes.ts';
import type { TensorInfo } from './weight-source.ts';

let above: string;
let folder: string;
let count = 0;
beforeAll(() => {
  above = mkdtempSync(join(tmpdir(), 'atelier-folder-'));
});
beforeEach(() => {
  folder = join(above, `model-${count++}`);
  mkdirSync(folder);
});
afterAll(() => {
  rmSync(above, { recursive: true });
});

function write(inside: string, content: string | Uint8Array | object): void {
  const path = join(folder, inside);
  mkdirSync(dirname(path), { recursive: true });
  const isRaw = typeof content === 'string' || content instanceof Uint8Array;
  writeFileSync(path, isRaw ? content : JSON.stringify(content));
}
const tensors = (values: Record<string, number>): Uint8Array =>
  floatsFile(
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, { shape: [1], values: [value] }]),
    ),
  );
const names = ({ source }: ModelFolder): string[] => [...source.tensors.keys()].sort();
async function valueOf({ source }: ModelFolder, name: string): Promise<number | undefined> {
  return (await source.readFloats(source.tensors.get(name) as TensorInfo))[0];
}

describe('a diffusers folder', () => {
  it('is one source in the layout of the original code', async () => {
    write('model_index.json', { _class_name: 'StableDiffusionPipeline' });
    write('unet/diffusion_pytorch_model.safetensors', tensors({ 'conv_in.weight': 1 }));
    write('vae/diffusion_pytorch_model.safetensors', tensors({ 'decoder.conv_norm_out.weight': 2 }));
    write('text_encoder/model.safetensors', tensors({ 'text_model.embeddings.token_embedding.weight': 3 }));
    write('safety_checker/model.safetensors', tensors({ concepts: 4 }));
    const model = await openDiffusersFolder(folder);
    expect(model.kind).toBe('pipeline');
    expect(names(model)).toEqual([
      'cond_stage_model.transformer.text_model.embeddings.token_embedding.weight',
      'first_stage_model.decoder.norm_out.weight',
      'model.diffusion_model.input_blocks.0.0.weight',
    ]);
    expect(await valueOf(model, 'first_stage_model.decoder.norm_out.weight')).toBe(2);
  });

  it('has two text encoders for SDXL, in either spelling of transformers', async () => {
    write('unet/diffusion_pytorch_model.safetensors', tensors({ 'add_embedding.linear_1.weight': 1 }));
    write('text_encoder/model.safetensors', tensors({ 'embeddings.token_embedding.weight': 2 }));
    write(
      'text_encoder_2/model.safetensors',
      tensors({ 'text_model.final_layer_norm.bias': 3, 'text_projection.weight': 4 }),
    );
    expect(names(await openDiffusersFolder(folder))).toEqual([
      'conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight',
      'conditioner.embedders.1.transformer.text_model.final_layer_norm.bias',
      'conditioner.embedders.1.transformer.text_projection.weight',
      'model.diffusion_model.label_emb.0.0.weight',
    ]);
  });

  it('says what its configurations say', async () => {
    write('model_index.json', {
      _class_name: 'StableDiffusionXLPipeline',
      force_zeros_for_empty_prompt: true,
    });
    write('scheduler/scheduler_config.json', {
      prediction_type: 'v_prediction',
      beta_start: 0.001,
      beta_end: 0.013,
      rescale_betas_zero_snr: true,
    });
    write('unet/config.json', { attention_head_dim: [5, 10, 20], block_out_channels: [320, 640, 1280] });
    write('vae/config.json', { scaling_factor: 0.13025, shift_factor: null });
    write('text_encoder/config.json', { hidden_act: 'quick_gelu' });
    write('text_encoder_2/config.json', { hidden_act: 'gelu' });
    write('unet/diffusion_pytorch_model.safetensors', tensors({ 'conv_in.weight': 1 }));
    expect((await openDiffusersFolder(folder)).config).toEqual({
      pipeline: 'StableDiffusionXLPipeline',
      prediction: 'v',
      betaStart: 0.001,
      betaEnd: 0.013,
      isZeroTerminal: true,
      heads: { headWidth: 64 },
      latentScale: 0.13025,
      zerosForEmptyPrompt: true,
      activations: ['quick-gelu', 'gelu'],
    });
  });

  it.each([
    [{ attention_head_dim: 8, block_out_channels: [320, 640] }, { heads: 8 }],
    [
      { attention_head_dim: 8, num_attention_heads: [5, 10], block_out_channels: [320, 640] },
      { headWidth: 64 },
    ],
    [{ attention_head_dim: [1, 1], block_out_channels: [32, 64] }, { heads: 1 }],
    [{ attention_head_dim: 'many', prediction_type: {} }, null],
    [{}, null],
  ])('takes the heads of %j to be %j', async (config, heads) => {
    write('unet/config.json', config);
    write('unet/diffusion_pytorch_model.safetensors', tensors({ 'conv_in.weight': 1 }));
    expect((await openDiffusersFolder(folder)).config.heads).toEqual(heads);
  });

  it.each([[[5, 10, 21]], [[5, 0.5]], [[1e9]]])('does not guess at heads of %j', async (heads) => {
    write('unet/config.json', { attention_head_dim: heads, block_out_channels: [320, 640, 1280] });
    write('unet/diffusion_pytorch_model.safetensors', tensors({ 'conv_in.weight': 1 }));
    await expect(openDiffusersFolder(folder)).rejects.toThrow(/not supported/);
  });

  it.each([{ shift_factor: 0.1 }, { latents_mean: [1, 2, 3, 4] }])(
    'does not draw with %j',
    async (config) => {
      write('vae/config.json', config);
      write('unet/diffusion_pytorch_model.safetensors', tensors({ 'conv_in.weight': 1 }));
      await expect(openDiffusersFolder(folder)).rejects.toThrow(/latents are shifted/);
    },
  );

  it('notices that one of its files changed', async () => {
    write('unet/diffusion_pytorch_model.safetensors', tensors({ 'conv_in.weight': 1 }));
    write('vae/diffusion_pytorch_model.safetensors', tensors({ 'decoder.conv_in.weight': 2 }));
    const { source } = await openDiffusersFolder(folder);
    await source.checkUnchanged();
    utimesSync(join(folder, 'vae/diffusion_pytorch_model.safetensors'), 1, 1);
    await expect(source.checkUnchanged()).rejects.toMatchObject({ code: 'model-changed' });
  });

  it('may be missing, a file, or hold no weights or others', async () => {
    await expect(openDiffusersFolder(join(folder, 'no'))).rejects.toMatchObject({ code: 'model-not-found' });
    await expect(openDiffusersFolder(folder)).rejects.toThrow(/holds no weights/);
    write('model.safetensors', tensors({ 'some.weight': 1 }));
    expect(await openDiffusersFolder(folder)).toMatchObject({ kind: 'other' });
    await expect(openDiffusersFolder(join(folder, 'model.safetensors'))).rejects.toThrow(/is not a folder/);
  });
});

describe('the folder of one network', () => {
  it.each([
    [
      'unet',
      { 'conv_in.weight': 1, 'time_embedding.linear_1.weight': 2 },
      'model.diffusion_model.time_embed.0.weight',
    ],
    [
      'vae',
      { 'encoder.conv_in.weight': 1, 'encoder.down_blocks.0.resnets.0.conv_shortcut.weight': 2 },
      'first_stage_model.encoder.down.0.block.0.nin_shortcut.weight',
    ],
    [
      'controlnet',
      { 'controlnet_mid_block.weight': 1, 'controlnet_down_blocks.3.weight': 2 },
      'control_model.zero_convs.3.0.weight',
    ],
    [
      't2i-adapter',
      {
        'adapter.body.0.resnets.0.block1.weight': 1,
        'adapter.body.0.resnets.1.block1.weight': 0,
        'adapter.body.1.resnets.0.block2.weight': 2,
      },
      'body.2.block2.weight',
    ],
    [
      't2i-adapter',
      {
        'adapter.body.0.resnets.0.block1.weight': 1,
        'adapter.body.3.out_conv.weight': 0,
        'adapter.body.3.resnets.1.block1.weight': 2,
      },
      'body.3.body.1.block1.weight',
    ],
  ])('of a %s', async (kind, values, name) => {
    write('config.json', {});
    write('diffusion_pytorch_model.safetensors', tensors(values));
    const model = await openDiffusersFolder(folder);
    expect(model.kind).toBe(kind);
    expect(await valueOf(model, name)).toBe(2);
  });
});

describe('of several files for a network', () => {
  const base = 'diffusion_pytorch_model';
  it.each([
    [[`${base}.fp16.safetensors`, `${base}.safetensors`], `${base}.safetensors`],
    [[`${base}.fp16.safetensors`, `${base}.bin`], `${base}.fp16.safetensors`],
    [[`${base}.non_ema.safetensors`, `${base}.fp16.safetensors`], `${base}.fp16.safetensors`],
    [[`${base}.non_ema.safetensors`], `${base}.non_ema.safetensors`],
    [[`${base}.fp16.bin`, `${base}.bin`], `${base}.bin`], // told by its content, which need not be a pickle
    [[`${base}.other.safetensors`, 'notes.safetensors', 'lora.safetensors'], `${base}.other.safetensors`],
  ])('of %j, takes %s', async (present, expected) => {
    for (const name of present)
      write(`vae/${name}`, tensors({ 'decoder.conv_in.weight': name === expected ? 1 : 0 }));
    const model = await openDiffusersFolder(folder);
    expect(await valueOf(model, 'first_stage_model.decoder.conv_in.weight')).toBe(1);
  });
});

describe('a sharded network', () => {
  const shard = (index: number): string => `diffusion_pytorch_model-0000${index}-of-00002.safetensors`;
  const INDEX = 'unet/diffusion_pytorch_model.safetensors.index.json';
  const whole = { 'conv_in.weight': shard(1), 'conv_out.weight': shard(2) };

  function writeShards(): void {
    write(`unet/${shard(1)}`, tensors({ 'conv_in.weight': 1 }));
    write(`unet/${shard(2)}`, tensors({ 'conv_out.weight': 2 }));
  }

  it.each([INDEX, 'unet/diffusion_pytorch_model.safetensors.index.fp16.json'])(
    'is one source by %s',
    async (index) => {
      writeShards();
      write(index, { metadata: { total_size: 8 }, weight_map: whole });
      const model = await openDiffusersFolder(folder);
      expect(await valueOf(model, 'model.diffusion_model.out.2.weight')).toBe(2);
      expect(model.source.tensors.size).toBe(2);
    },
  );

  it.each([
    '../secret.safetensors',
    '/etc/passwd',
    'C:\\secret.safetensors',
    '..',
    'a/b.safetensors',
    '.hidden',
    'a\u0000b',
    7,
    'x'.repeat(1000),
  ])('may not name the file %j', async (file) => {
    writeShards();
    writeFileSync(join(above, 'secret.safetensors'), tensors({ 'conv_out.weight': 2 }));
    write(INDEX, { weight_map: { ...whole, 'conv_out.weight': file } });
    await expect(openDiffusersFolder(folder)).rejects.toThrow(/not inside its folder/);
  });

  it.each([
    ['a shard that is missing', { ...whole, x: 'other.safetensors' }, /lacks the file/],
    ['a tensor in the wrong shard', { ...whole, 'conv_out.weight': shard(1) }, /but it is not/],
    ['no map', undefined, /no "weight_map"/],
    ['an empty map', {}, /no "weight_map"/],
  ])('may not have %s', async (_, map, message) => {
    writeShards();
    write(INDEX, { weight_map: map });
    await expect(openDiffusersFolder(folder)).rejects.toThrow(message);
  });

  it('may not have a tensor twice', async () => {
    write(`unet/${shard(1)}`, tensors({ 'conv_in.weight': 1 }));
    write(`unet/${shard(2)}`, tensors({ 'conv_out.weight': 2, 'conv_in.weight': 3 }));
    write(INDEX, { weight_map: whole });
    await expect(openDiffusersFolder(folder)).rejects.toThrow(/in more than one file/);
  });
});

describe('links', () => {
  const FILE = 'unet/diffusion_pytorch_model.safetensors';
  it('may lead within the folder, and not out of it', async () => {
    write('real.bytes', tensors({ 'conv_in.weight': 1 }));
    mkdirSync(join(folder, 'unet'));
    symlinkSync('../real.bytes', join(folder, FILE));
    expect(names(await openDiffusersFolder(folder))).toHaveLength(1);
    unlinkSync(join(folder, FILE));
    writeFileSync(join(above, 'outside.bytes'), tensors({ 'conv_in.weight': 1 }));
    symlinkSync('../../outside.bytes', join(folder, FILE));
    const failure = await openDiffusersFolder(folder).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineError);
    expect((failure as EngineError).message).toMatch(/not inside its folder/);
    expect((failure as EngineError).message).not.toContain(above);
  });

  it('of configurations and folders may not lead out either', async () => {
    mkdirSync(join(above, 'elsewhere'), { recursive: true });
    writeFileSync(
      join(above, 'elsewhere/diffusion_pytorch_model.safetensors'),
      tensors({ 'conv_in.weight': 1 }),
    );
    symlinkSync('../elsewhere', join(folder, 'unet'));
    await expect(openDiffusersFolder(folder)).rejects.toThrow(/not inside its folder/);
    unlinkSync(join(folder, 'unet'));
    symlinkSync('/etc/passwd', join(folder, 'model_index.json'));
    await expect(openDiffusersFolder(folder)).rejects.toThrow(/not inside its folder/);
  });

  it('make the download cache of huggingface_hub', async () => {
    write('blobs/abc', tensors({ 'conv_in.weight': 1 }));
    const snapshot = join(folder, 'snapshots/123');
    mkdirSync(join(snapshot, 'unet'), { recursive: true });
    symlinkSync('../../../blobs/abc', join(snapshot, FILE));
    expect(names(await openDiffusersFolder(snapshot))).toHaveLength(1);
    write('refs/main', 'secret');
    symlinkSync('../../refs/main', join(snapshot, 'config.json'));
    await expect(openDiffusersFolder(snapshot)).rejects.toThrow(/not inside its folder/);
  });
});

describe('a configuration', () => {
  it.each([
    ['no JSON', '{', /is not JSON/],
    ['a list', '[]', /not a JSON object/],
    ['too long', `{"a":"${'x'.repeat(1024 * 1024)}"}`, /at most 1048576/],
    ['deep', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, /is not JSON|holds no weights/],
    ['not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), /is not JSON/],
  ])('that is %s is refused by name', async (_, content, message) => {
    write('model_index.json', content);
    await expect(openDiffusersFolder(folder)).rejects.toThrow(message);
  });

  it('changes no prototype', async () => {
    write('model_index.json', '{"__proto__": {"_class_name": "X"}, "constructor": 1}');
    write('unet/diffusion_pytorch_model.safetensors', tensors({ 'conv_in.weight': 1 }));
    expect((await openDiffusersFolder(folder)).config.pipeline).toBeNull();
  });
});

it('a damaged file of the folder is named', async () => {
  write('unet/diffusion_pytorch_model.safetensors', tensors({ 'conv_in.weight': 1 }));
  const file = join(folder, 'unet/diffusion_pytorch_model.safetensors');
  writeFileSync(file, readFileSync(file).subarray(0, -2));
  await expect(openDiffusersFolder(folder)).rejects.toThrow(
    /"diffusion_pytorch_model.safetensors".*cut short/,
  );
});
