import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { floatsFile } from '../weights/safetensors-bytes.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { Weights } from '../weights/weights.ts';
import { readLora, type Lora } from './lora.ts';
import { patchNetworks, type AppliedLora } from './patch-networks.ts';

type Shapes = Record<string, readonly number[]>;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-lora-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

let files = 0;
async function opened(
  shapes: Shapes,
  values: Record<string, readonly number[]> = {},
  metadata: Record<string, string> = {},
): ReturnType<typeof openSafetensors> {
  const path = join(folder, `${files++}.safetensors`);
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    return [name, { shape, values: values[name] ?? new Array<number>(count).fill(0.5) }] as const;
  });
  writeFileSync(path, floatsFile(Object.fromEntries(tensors), metadata));
  return openSafetensors(path);
}
const lora = async (...file: Parameters<typeof opened>): Promise<Lora> => readLora(await opened(...file));

const QUERY = 'input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight';
const MODEL: Shapes = {
  'unet.input_blocks.0.0.weight': [8, 4, 3, 3],
  'unet.input_blocks.1.0.in_layers.2.weight': [8, 8, 3, 3],
  'unet.input_blocks.1.0.in_layers.2.bias': [8],
  [`unet.${QUERY}`]: [8, 6],
  'text.encoder.layers.0.self_attn.q_proj.weight': [5, 5],
  'text.encoder.layers.0.self_attn.q_proj.bias': [5],
};
async function applied(file: Lora, encoders = 1): Promise<AppliedLora> {
  const source = await opened(MODEL);
  const text = new Weights(source, 'text.');
  const networks = {
    unet: new Weights(source, 'unet.'),
    textEncoders: encoders === 1 ? [text] : [null, text],
  };
  const { applied: all } = patchNetworks(networks, [{ lora: file, unet: 1, text: 1 }], {
    name: 'model.safetensors',
    title: 'a test',
  });
  return all[0]!;
}
const pair = (module: string, up = 'lora_up.weight', down = 'lora_down.weight'): Shapes => ({
  [`${module}.${up}`]: [8, 2],
  [`${module}.${down}`]: [2, 6],
});

describe('every spelling of a module is found:', () => {
  const attention = 'down_blocks.0.attentions.0.transformer_blocks.0.attn1';
  it.each<Shapes>([
    pair('lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q'),
    pair('lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q'),
    pair(`unet.${attention}.to_q`, 'lora_B.weight', 'lora_A.weight'),
    pair(`base_model.model.unet.${attention}.to_q`, 'lora_B.default.weight', 'lora_A.default.weight'),
    pair(`unet.${attention}.to_q`, 'lora.up.weight', 'lora.down.weight'),
    pair(`unet.${attention}.to_q`, 'lora_linear_layer.up.weight', 'lora_linear_layer.down.weight'),
    pair(`unet.${attention}.processor.to_q_lora`, 'up.weight', 'down.weight'),
  ])('%o', async (shapes) => {
    expect(await applied(await lora(shapes))).toMatchObject({ changed: 1, unmatched: [] });
  });

  it.each([
    ['lora_te_text_model_encoder_layers_0_self_attn_q_proj', 1],
    ['lora_te2_text_model_encoder_layers_0_self_attn_q_proj', 2],
    ['text_encoder.text_model.encoder.layers.0.self_attn.q_proj', 1],
    ['text_encoder_2.text_model.encoder.layers.0.self_attn.q_proj', 2],
  ])('%s', async (module, encoders) => {
    const file = await lora({ [`${module}.diff`]: [5, 5], [`${module}.diff_b`]: [5] });
    expect(await applied(file, encoders)).toMatchObject({ changed: 1, unmatched: [] });
  });
});

describe('what does not fit is told:', () => {
  it('names that match nothing, beside those that do', async () => {
    const file = await lora({
      ...pair('lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q'),
      ...pair('lora_unet_input_blocks_7_1_proj_in'),
      'bundle_emb.cat.string_to_param.*': [1, 5],
    });
    expect(await applied(file)).toMatchObject({
      changed: 1,
      unmatched: ['lora_unet_input_blocks_7_1_proj_in', 'bundle_emb.cat.string_to_param.*'],
    });
  });

  it('a file for another model', async () => {
    const other = await lora({ 'lora_unet_input_blocks_9_1_proj_in.diff': [8, 8] });
    await expect(applied(other)).rejects.toThrow(/none of its 1 modules, such as "lora_unet_input_blocks_9/);
    const wide = await lora({ 'lora_unet_input_blocks_1_0_in_layers_2.diff': [8, 4, 3, 3] });
    await expect(applied(wide)).rejects.toThrow(
      '"lora_unet_input_blocks_1_0_in_layers_2" changes a weight of 8 x 36, but the model has 8 x 72 there.',
    );
  });
});

describe('a file that cannot be meant is refused by name:', () => {
  const name = 'lora_unet_x';
  it.each<[string, Shapes, Record<string, readonly number[]>, string]>([
    ['no LoRA at all', { 'model.weight': [2, 2] }, {}, 'has no LoRA'],
    ['half of a pair', { [`${name}.lora_up.weight`]: [8, 2] }, {}, 'but no "down"'],
    ['the other half', { [`${name}.lora_down.weight`]: [2, 6] }, {}, 'but no "up"'],
    [
      'half of LoHa',
      { [`${name}.hada_w1_a`]: [8, 2], [`${name}.hada_w1_b`]: [2, 6] },
      {},
      'but no "hada_w2_a"',
    ],
    ['half of LoKr', { [`${name}.lokr_w1`]: [2, 2] }, {}, 'but no "lokr_w2_a"'],
    [
      'ranks that differ',
      { [`${name}.lora_up.weight`]: [8, 3], [`${name}.lora_down.weight`]: [2, 6] },
      {},
      'ranks of different sizes, 3 and 2',
    ],
    [
      'a rank of 0',
      { [`${name}.lora_up.weight`]: [8, 0], [`${name}.lora_down.weight`]: [0, 6] },
      {},
      'an empty "up"',
    ],
    [
      'vectors for matrices',
      { [`${name}.lora_up.weight`]: [8], [`${name}.lora_down.weight`]: [6] },
      {},
      'no matrix',
    ],
    [
      'an alpha of NaN',
      { ...pair(name), [`${name}.alpha`]: [] },
      { [`${name}.alpha`]: [NaN] },
      'has NaN for "alpha"',
    ],
    [
      'an alpha without end',
      { ...pair(name), [`${name}.alpha`]: [1] },
      { [`${name}.alpha`]: [Infinity] },
      'has Infinity',
    ],
    ['an alpha of 0', { ...pair(name), [`${name}.alpha`]: [] }, { [`${name}.alpha`]: [0] }, 'an alpha of 0'],
    ['several alphas', { ...pair(name), [`${name}.alpha`]: [3] }, {}, '"alpha" that is no single number'],
    [
      'lengths for other outputs',
      { ...pair(name), [`${name}.dora_scale`]: [7, 1] },
      {},
      '7 lengths for a weight of 8 outputs',
    ],
    ['blocks that are no squares', { [`${name}.oft_blocks`]: [2, 4, 3] }, {}, 'which are no squares'],
    ['blocks that cannot be shuffled', { [`${name}.oft_blocks`]: [3, 3, 2, 2] }, {}, 'cannot be shuffled'],
  ])('%s', async (_what, shapes, values, message) => {
    await expect(lora(shapes, values)).rejects.toThrow(message);
    await expect(lora(shapes, values)).rejects.toMatchObject({ code: 'model-invalid' });
  });

  it('more modules than any model has', async () => {
    const many = Array.from({ length: 20_001 }, (_, index) => [`m${index}.diff`, [1]] as const);
    await expect(lora(Object.fromEntries(many))).rejects.toThrow('changes 20001 modules');
  });
});

describe('what a file says of itself', () => {
  it('is read from the trainer’s notes', async () => {
    const { card, kinds } = await lora(
      pair('lora_unet_x'),
      {},
      {
        ss_output_name: 'cats',
        ss_base_model_version: 'sd_v1',
        ss_network_dim: '8',
        ss_network_alpha: 'None',
        ss_tag_frequency: '{"10_a": {"cat": 3, "sofa ": 1}, "5_b": {"sofa": 4, "bad": "x"}}',
      },
    );
    expect(kinds).toEqual(['lora']);
    expect(card).toEqual({
      title: 'cats',
      baseModel: 'sd_v1',
      rank: 8,
      alpha: null,
      tags: [
        { tag: 'sofa', count: 5 },
        { tag: 'cat', count: 3 },
      ],
    });
  });

  it('is nothing if the notes are no notes', async () => {
    const { card } = await lora(pair('lora_unet_x'), {}, { ss_tag_frequency: '[[' });
    expect(card).toEqual({ title: null, baseModel: null, rank: null, alpha: null, tags: [] });
  });

  it('PEFT’s alpha and rank-stabilised scale', async () => {
    const module = 'unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q';
    const pairs = pair(module, 'lora_B.weight', 'lora_A.weight');
    const scaleOf = async (settings: object): Promise<Lora> =>
      lora(pairs, {}, { lora_adapter_metadata: JSON.stringify(settings) });
    await expect(scaleOf({ 'unet.lora_alpha': 0 })).rejects.toThrow('an alpha of 0');
    await expect(scaleOf({ 'unet.lora_alpha': 4, 'unet.alpha_pattern': { to_q: 0 } })).rejects.toThrow(
      'alpha of 0',
    );
    const stable = await scaleOf({ 'unet.lora_alpha': 0, 'unet.use_rslora': true });
    expect(stable.modules.size).toBe(1);
  });
});
