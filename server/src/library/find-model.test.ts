import type { ModelView } from '@atelier/contract';
import { describe, expect, it } from 'vitest';
import { findByName, modelNotFound, starterOrFirst } from './find-model.ts';

const listed = (fileName: string, isGood = true): { view: ModelView } => ({
  view: {
    name: fileName.replace(/\.\w+$/, ''),
    fileName,
    title: fileName,
    family: isGood ? 'sd1' : null,
    sizeBytes: 1,
    shortHash: null,
    description: null,
    usageHint: null,
    licence: null,
    samplePrompts: [],
    defaults: {},
    problem: isGood ? null : { type: 'model-invalid', detail: 'no', hint: null },
  },
});
const all = ['Anime/Gro\u0308ße.safetensors', 'photo.safetensors', 'Photo.safetensors'].map((name) =>
  listed(name),
);
const found = (name: string): string | undefined => findByName(all, name)?.view.fileName;

describe('findByName', () => {
  it('takes names with and without suffix, in any case', () => {
    expect(found('photo')).toBe('photo.safetensors');
    expect(found('PHOTO.SAFETENSORS')).toBe('photo.safetensors');
  });

  it('prefers the exact name', () => {
    expect(found('Photo')).toBe('Photo.safetensors');
  });

  it('takes both spellings of a letter with a mark for the same', () => {
    expect(found('anime/größe')).toBe('Anime/Gro\u0308ße.safetensors');
  });

  it('finds nothing by a part of a name or a path', () => {
    for (const name of ['phot', 'größe', '', '../photo', './photo', 'Anime'])
      expect(found(name), name).toBeUndefined();
  });
});

describe('starterOrFirst', () => {
  it('is the starter model, else the first that can be used', () => {
    const broken = listed('a.safetensors', false);
    expect(starterOrFirst([broken, listed('b.safetensors')])?.view.name).toBe('b');
    expect(starterOrFirst([listed('a.safetensors'), listed('atelier-starter.safetensors')])?.view.name).toBe(
      'atelier-starter',
    );
    expect(starterOrFirst([broken])).toBeUndefined();
  });
});

describe('modelNotFound', () => {
  it('names what can be used, and says where models go if nothing can', () => {
    const some = modelNotFound('x', [listed('a.safetensors'), listed('b.safetensors', false)]);
    expect(some.facts.hint).toBe('Choose one of: a.');
    expect(modelNotFound(undefined, []).facts.hint).toContain('models/checkpoints');
  });
});
