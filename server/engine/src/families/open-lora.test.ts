import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { floatsFile } from '../weights/safetensors-bytes.ts';
import type { Family } from './family-facts.ts';
import { openLora } from './open-lora.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-open-lora-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const KOHYA = 'lora_unet_down_blocks_1_attentions_0_transformer_blocks_0';
it.each<[string, string, number, Record<string, string>, Family | null]>([
  ['the width of text', `${KOHYA}_attn2_to_k`, 768, { ss_base_model_version: 'sdxl_base_v1-0' }, 'sd1'],
  ['the width of text', `${KOHYA}_attn2_to_v`, 1024, {}, 'sd2'],
  ['the width of text', 'unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k', 2048, {}, 'sdxl'],
  ['the width of text', 'unet.mid_block.attentions.0.attn2.processor.to_k_lora', 768, {}, 'sd1'],
  ['a second text encoder', 'lora_te2_text_model_encoder_layers_0_mlp_fc1', 8, {}, 'sdxl'],
  ['its maker', `${KOHYA}_attn1_to_k`, 8, { ss_base_model_version: 'sd_v2_768_v' }, 'sd2'],
  [
    'its maker',
    `${KOHYA}_attn1_to_k`,
    8,
    { 'modelspec.architecture': 'stable-diffusion-xl-v1-base/lora' },
    'sdxl',
  ],
  ['nothing', `${KOHYA}_attn1_to_k`, 8, {}, null],
])('%s tells the family of %s, %i wide, %o', async (_what, module, width, metadata, family) => {
  const path = join(folder, 'x.safetensors');
  writeFileSync(
    path,
    floatsFile(
      { [`${module}.diff`]: { shape: [1, width], values: new Array<number>(width).fill(0) } },
      metadata,
    ),
  );
  expect((await openLora(path)).family).toBe(family);
});
