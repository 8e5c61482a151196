import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TensorInfo, WeightSource } from '../weights/weight-source.ts';
import { Weights } from '../weights/weights.ts';
import { loraTargets } from './lora-targets.ts';

const fixture = new URL('../../../test/fixtures/naming/pairs.json', import.meta.url);
const pairs = JSON.parse(readFileSync(fixture, 'utf8')) as Record<string, Record<string, string>>;

function weightsOf(names: readonly string[], prefix: string): Weights {
  const tensors = new Map<string, TensorInfo>(
    names.map((name) => [
      prefix + name,
      { name: prefix + name, dtype: 'F16', shape: [1], file: '/x', offset: 0, byteLength: 2 },
    ]),
  );
  tensors.set('elsewhere.weight', {} as TensorInfo);
  const source: Partial<WeightSource> = { name: 'x', tensors };
  return new Weights(source as WeightSource, prefix);
}

const UNET = 'model.diffusion_model.';
const TEXT = [
  'encoder.layers.0.self_attn.q_proj.weight',
  'encoder.layers.0.mlp.fc1.weight',
  'encoder.layers.0.mlp.fc1.bias',
];

describe('the targets of a LoRA', () => {
  it.each(['sd1.unet', 'sd2.unet', 'sdxl.unet'])(
    '%s: have every module of the UNet in all spellings',
    (label) => {
      const names = Object.entries(pairs[label] ?? {});
      const targets = loraTargets({
        unet: weightsOf(
          names.map(([ldm]) => ldm),
          UNET,
        ),
      });
      for (const [ldm, diffusers] of names) {
        const [here, there] = [ldm, diffusers].map((name) => name.replace(/\.weight$/, '')) as [
          string,
          string,
        ];
        for (const key of [
          `lora_unet_${there.replaceAll('.', '_')}`,
          `lora_unet_${here.replaceAll('.', '_')}`,
          `unet.${there}`,
          `diffusion_model.${here}`,
        ]) {
          expect([key, targets.get(key)]).toEqual([key, UNET + here]);
        }
      }
      expect(names.length).toBeGreaterThan(100);
    },
  );

  it('have the processors of older diffusers', () => {
    const block = 'input_blocks.1.1.transformer_blocks.0.';
    const layers = ['attn1.to_q', 'attn2.to_out.0'].map((name) => `${block}${name}.weight`);
    const targets = loraTargets({
      unet: weightsOf([...layers, 'input_blocks.1.0.in_layers.0.weight'], UNET),
    });
    const old = 'unet.down_blocks.0.attentions.0.transformer_blocks.0.';
    expect(targets.get(`${old}attn1.processor.to_q_lora`)).toBe(`${UNET}${block}attn1.to_q`);
    expect(targets.get(`${old}attn2.processor.to_out_lora`)).toBe(`${UNET}${block}attn2.to_out.0`);
  });

  it('have the one text encoder', () => {
    const encoder = weightsOf(TEXT, 'cond_stage_model.transformer.text_model.');
    const targets = loraTargets({ textEncoders: [encoder] });
    const [query, raised] = ['encoder.layers.0.self_attn.q_proj', 'encoder.layers.0.mlp.fc1'].map(
      (name) => `cond_stage_model.transformer.text_model.${name}`,
    );
    expect(Object.fromEntries(targets)).toEqual({
      lora_te_text_model_encoder_layers_0_self_attn_q_proj: query,
      'text_encoder.text_model.encoder.layers.0.self_attn.q_proj': query,
      'text_encoder.text_model.encoder.layers.0.self_attn.to_q_lora': query,
      lora_te_text_model_encoder_layers_0_mlp_fc1: raised,
      'text_encoder.text_model.encoder.layers.0.mlp.fc1': raised,
    });
  });

  it('tell two text encoders apart, also where the first is missing', () => {
    const [first, second] = ['a.', 'b.'].map((prefix) => weightsOf(TEXT, prefix)) as [Weights, Weights];
    const targets = loraTargets({ textEncoders: [first, second] });
    expect(targets.get('lora_te1_text_model_encoder_layers_0_mlp_fc1')).toBe('a.encoder.layers.0.mlp.fc1');
    expect(targets.get('lora_te2_text_model_encoder_layers_0_mlp_fc1')).toBe('b.encoder.layers.0.mlp.fc1');
    expect(targets.get('text_encoder_2.text_model.encoder.layers.0.mlp.fc1')).toBe(
      'b.encoder.layers.0.mlp.fc1',
    );
    const refiner = loraTargets({ textEncoders: [null, second] });
    expect([...refiner.values()].every((target) => target.startsWith('b.'))).toBe(true);
    expect(refiner.has('lora_te2_text_model_encoder_layers_0_mlp_fc1')).toBe(true);
  });
});
