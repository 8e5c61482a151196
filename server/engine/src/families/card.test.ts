import { describe, expect, it } from 'vitest';
import type { WeightSource } from '../weights/weight-source.ts';
import { Weights } from '../weights/weights.ts';
import { readModelCard } from './card.ts';
import { latentToRgbOf, readLatentToRgb } from './latent-rgb.ts';
import type { ModelCard } from './model-card.ts';

function cardOf(metadata: Record<string, string>): ModelCard {
  const source = {
    metadata: new Map(Object.entries(metadata)),
    tensors: new Map(),
  } as Partial<WeightSource> as WeightSource;
  const part = new Weights(source);
  return readModelCard(source, { family: 'sd1', task: 'text', towers: [], unet: part, vae: part });
}

describe('a model card', () => {
  it('takes what the file says of itself', () => {
    const card = cardOf({
      'modelspec.title': ' Starter ',
      'modelspec.description': 'Draws.',
      'modelspec.usage_hint': 'Name a thing.',
      'modelspec.license': 'CC0',
      'modelspec.resolution': '128x192',
      'atelier.defaults':
        '{"sampler":"DPM++ 2M","scheduler":"Karras","steps":20,"cfgScale":4.5,"width":256,"height":256}',
      'atelier.sample_prompts': '["a red apple", 7, "a cat"]',
    });
    expect(card).toMatchObject({
      title: 'Starter',
      description: 'Draws.',
      usageHint: 'Name a thing.',
      licence: 'CC0',
      samplePrompts: ['a red apple', 'a cat'],
      defaults: {
        sampler: 'DPM++ 2M',
        scheduler: 'Karras',
        steps: 20,
        cfgScale: 4.5,
        width: 256,
        height: 256,
      },
    });
  });

  it('is empty for a file that says nothing', () => {
    expect(cardOf({})).toMatchObject({ title: null, description: null, samplePrompts: [], defaults: {} });
  });

  it('takes the size from the resolution where no default is given', () => {
    expect(cardOf({ 'modelspec.resolution': '512x768' }).defaults).toEqual({ width: 512, height: 768 });
  });

  it.each([
    { 'atelier.defaults': '{' },
    { 'atelier.defaults': 'null' },
    { 'atelier.defaults': '[20]' },
    {
      'atelier.defaults': '{"steps":"20","cfgScale":-1,"width":515,"height":1e9,"sampler":"","scheduler":{}}',
    },
    { 'atelier.defaults': '{"__proto__":{"steps":20}}' },
    { 'modelspec.resolution': '512' },
    { 'modelspec.resolution': '513x512' },
    { 'atelier.sample_prompts': '"a cat"' },
  ])('leaves out what is malformed: %j', (metadata) => {
    expect(cardOf(metadata as Record<string, string>)).toMatchObject({ samplePrompts: [], defaults: {} });
    expect(Object.keys(cardOf(metadata as Record<string, string>).defaults)).toEqual([]);
  });

  it('is cut to what fits on a page', () => {
    const card = cardOf({ 'modelspec.title': 'x'.repeat(1e6), 'modelspec.description': 'x'.repeat(1e6) });
    expect(card.title).toHaveLength(201);
    expect(card.description).toHaveLength(10_001);
  });
});

describe('the map from latents to colours', () => {
  it('is the model’s own where it brings one', () => {
    const own = { weight: [1, 2, 3, 4].map((row) => [row, 0, -row]), bias: [0.1, 0.2, 0.3] };
    expect(readLatentToRgb(JSON.stringify(own), 4, 'sd1')).toEqual(own);
  });

  it.each([
    undefined,
    '',
    '3',
    '{}',
    '{"weight":[[1,2,3]],"bias":[0,0,0]}',
    '{"weight":[[1],[1],[1],[1]],"bias":[0,0,0]}',
  ])('is that of the family for %j', (json) => {
    expect(readLatentToRgb(json, 4, 'sdxl')).toBe(latentToRgbOf('sdxl'));
  });
});
