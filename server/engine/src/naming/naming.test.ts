import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renamedSource } from '../weights/renamed-source.ts';
import type { TensorInfo, WeightSource } from '../weights/weight-source.ts';
import { openClipToTransformers } from './open-clip-names.ts';
import { diffusersToLdmUnet, ldmToDiffusersUnet } from './unet-names.ts';
import { diffusersToLdmVae, ldmToDiffusersVae } from './vae-names.ts';

// What diffusers' own converters answer; see make_fixtures.py beside it.
const fixture = new URL('../../../test/fixtures/naming/pairs.json', import.meta.url);
const references = new Map(
  Object.entries(JSON.parse(readFileSync(fixture, 'utf8')) as Record<string, Record<string, string>>).map(
    ([label, pairs]) => [label, new Map(Object.entries(pairs))],
  ),
);
const endingIn = (...ends: string[]): [string, Map<string, string>][] =>
  [...references].filter(([label]) => ends.some((end) => label.endsWith(end)));
const swapped = (pairs: ReadonlyMap<string, string>): Map<string, string> =>
  new Map([...pairs].map(([from, to]) => [to, from]));
const shuffled = (names: Iterable<string>): string[] =>
  [...names].sort((a, b) => (a.slice(-9) + a < b.slice(-9) + b ? -1 : 1));

function sourceOf(shapes: Record<string, readonly number[]>): WeightSource {
  let offset = 100;
  const tensors = new Map<string, TensorInfo>();
  for (const [name, shape] of Object.entries(shapes)) {
    const byteLength = 2 * shape.reduce((product, size) => product * size, 1);
    tensors.set(name, { name, dtype: 'F16', shape, file: '/x', offset, byteLength });
    offset += byteLength;
  }
  const source: Partial<WeightSource> = { name: 'x.safetensors', tensors };
  return source as WeightSource;
}

describe('names of UNets and ControlNets', () => {
  const cases = endingIn('.unet', '.control');
  it('have references', () => {
    expect(cases.map(([, pairs]) => pairs.size > 90)).toEqual([true, true, true, true]);
  });

  it.each(cases)('%s: LDM to diffusers is what diffusers does', (_, pairs) => {
    expect(ldmToDiffusersUnet(shuffled(pairs.keys()))).toEqual(pairs);
  });

  it.each(cases)('%s: diffusers to LDM is the reverse', (_, pairs) => {
    expect(diffusersToLdmUnet(shuffled(pairs.values()))).toEqual(swapped(pairs));
  });

  it('follow from where the size changes, whatever the number of blocks', () => {
    const ldm = [
      'input_blocks.1.0.in_layers.0.weight',
      'input_blocks.2.0.op.weight',
      'input_blocks.3.0.in_layers.0.weight',
      'input_blocks.4.0.in_layers.0.weight',
      'input_blocks.5.0.in_layers.0.weight',
      'output_blocks.0.0.in_layers.0.weight',
      'output_blocks.1.1.conv.weight',
      'output_blocks.2.0.in_layers.0.weight',
    ];
    expect([...ldmToDiffusersUnet(ldm).values()]).toEqual([
      'down_blocks.0.resnets.0.norm1.weight',
      'down_blocks.0.downsamplers.0.conv.weight',
      'down_blocks.1.resnets.0.norm1.weight',
      'down_blocks.1.resnets.1.norm1.weight',
      'down_blocks.1.resnets.2.norm1.weight',
      'up_blocks.0.resnets.0.norm1.weight',
      'up_blocks.0.upsamplers.0.conv.weight',
      'up_blocks.1.resnets.0.norm1.weight',
    ]);
  });

  it('leave out what has no counterpart', () => {
    const strange = ['down_blocks', 'down_blocks.x.y.z', 'down_blocks.0.resnets.0.nothing.weight', '', '...'];
    expect(diffusersToLdmUnet([...strange, 'conv_in.weight'])).toEqual(
      new Map([['conv_in.weight', 'input_blocks.0.0.weight']]),
    );
    expect(ldmToDiffusersUnet(['input_blocks.99999.0.in_layers.0.weight', 'model_ema.decay'])).toEqual(
      new Map(),
    );
  });

  it('are found quickly among hostile ones', () => {
    const names = Array.from(
      { length: 50_000 },
      (_, index) => `down_blocks.${index % 100}.resnets.${index % 97}.x.${index}`,
    );
    expect(diffusersToLdmUnet([...names, '.'.repeat(100_000)]).size).toBe(0);
  });
});

describe('names of VAEs', () => {
  const cases = endingIn('.vae');
  it('have references', () => {
    expect(cases).toHaveLength(2);
  });

  it.each(cases)('%s: LDM to diffusers is what diffusers does', (_, pairs) => {
    expect(ldmToDiffusersVae(shuffled(pairs.keys()))).toEqual(pairs);
  });

  it.each(cases)('%s: diffusers to LDM is the reverse', (_, pairs) => {
    expect(diffusersToLdmVae(shuffled(pairs.values()))).toEqual(swapped(pairs));
  });

  it('may be those of older diffusers', () => {
    const old = ['group_norm', 'query', 'key', 'value', 'proj_attn'];
    const names = old.map((layer) => `decoder.mid_block.attentions.0.${layer}.weight`);
    expect([...diffusersToLdmVae(names).values()]).toEqual(
      ['norm', 'q', 'k', 'v', 'proj_out'].map((layer) => `decoder.mid.attn_1.${layer}.weight`),
    );
  });

  it('may be those of one half only', () => {
    expect(diffusersToLdmVae(['encoder.down_blocks.3.resnets.0.conv1.weight']).size).toBe(1);
  });
});

describe('an OpenCLIP text tower under the names of transformers', () => {
  it.each(endingIn('.text'))('%s: is named as diffusers names it', (_, pairs) => {
    const shapes = Object.fromEntries([...pairs.keys()].map((name) => [`p.${name}`, [6, 2]]));
    const view = openClipToTransformers(sourceOf(shapes), 'p.');
    const expected = [...pairs.values()].map((name) =>
      name.replace('text_projection.weight', 'text_projection'),
    );
    expect([...view.tensors.keys()].sort()).toEqual(expected.sort());
  });

  it('has query, key and value where they lie in the fused tensor', () => {
    const attention = 'p.transformer.resblocks.7.attn.';
    const source = sourceOf({ [`${attention}in_proj_weight`]: [6, 2], [`${attention}in_proj_bias`]: [6] });
    const view = openClipToTransformers(source, 'p.');
    const at = (layer: string): unknown => {
      const { name, shape, offset, byteLength } = view.tensors.get(
        `text_model.encoder.layers.7.self_attn.${layer}`,
      ) as TensorInfo;
      return { name: name.slice(33), shape, offset, byteLength };
    };
    expect(view.tensors.size).toBe(6);
    expect(['q', 'k', 'v'].map((kind) => at(`${kind}_proj.weight`))).toMatchObject([
      { shape: [2, 2], offset: 100, byteLength: 8 },
      { shape: [2, 2], offset: 108, byteLength: 8 },
      { shape: [2, 2], offset: 116, byteLength: 8 },
    ]);
    expect(at('v_proj.bias')).toMatchObject({ shape: [2], offset: 132, byteLength: 4 });
  });

  it('is refused if the fused tensor is no three parts', () => {
    const source = sourceOf({ 'transformer.resblocks.0.attn.in_proj_weight': [4, 2] });
    expect(() => openClipToTransformers(source, '')).toThrow(/no three equal parts/);
  });
});

it('a renamed source shows the same bytes under the new names only', () => {
  const source = sourceOf({ a: [2], b: [3] });
  const view = renamedSource(
    source,
    new Map([
      ['b', 'c'],
      ['gone', 'd'],
    ]),
  );
  expect([...view.tensors]).toEqual([['c', { ...source.tensors.get('b'), name: 'c' }]]);
});
