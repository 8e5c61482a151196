import { ModelView } from '@atelier/contract';
import { describe, expect, it } from 'vitest';
import type { FoundFile } from './found-file.ts';
import type { InspectedCard } from './inspector/messages.ts';
import { modelView } from './model-view.ts';

const file: FoundFile = {
  name: 'anime/v1',
  fileName: 'anime/v1.safetensors',
  path: '/models/anime/v1.safetensors',
  sizeBytes: 7,
  modifiedMs: 0,
  isFolder: false,
  identity: '1',
  problem: null,
};
const card: InspectedCard = {
  family: 'sd1',
  title: null,
  description: null,
  usageHint: null,
  licence: null,
  samplePrompts: [],
  defaults: {},
};

describe('modelView', () => {
  it('shows a model without a card by the name of its file', () => {
    const view = ModelView.parse(modelView(file, { card }, 'ab'.repeat(32)));
    expect(view).toMatchObject({ name: 'anime/v1', title: 'v1', shortHash: 'ababababab', problem: null });
  });

  it('keeps what a model asks for where a request could ask for it too', () => {
    const defaults = { sampler: 'Euler', steps: 30, cfgScale: 0, width: 128, height: 129, scheduler: '' };
    expect(modelView(file, { card: { ...card, defaults } }, undefined).defaults).toEqual({
      sampler: 'Euler',
      steps: 30,
      cfgScale: 0,
      width: 128,
    });
  });

  it.each<Record<string, unknown>>([
    { steps: 1e9 },
    { width: NaN },
    { sampler: 7 },
    { __proto__: { steps: 3 } },
    { constructor: 1 },
  ])('ignores wishes such as %j', (defaults) => {
    expect(modelView(file, { card: { ...card, defaults } }, undefined).defaults).toEqual({});
  });

  it('cuts foreign text to size', () => {
    const long = 'x'.repeat(1e6);
    const view = modelView(
      file,
      {
        card: {
          ...card,
          title: long,
          description: long,
          usageHint: long,
          licence: long,
          samplePrompts: Array(100).fill(long) as string[],
        },
      },
      undefined,
    );
    expect(JSON.stringify(view).length).toBeLessThan(30_000);
  });
});
