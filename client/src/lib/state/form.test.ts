import { beforeEach, expect, test } from 'vitest';
import { FakeServer } from '../../test/fake-server.ts';
import { sampleModel, sampleSettings } from '@atelier/contract/samples';
import { Api } from '../api/api.ts';
import { Catalogue } from './catalogue.svelte.ts';
import { GenerationForm } from './form.svelte.ts';

const small = sampleModel('small', { defaults: { width: 128, height: 128, steps: 30, sampler: 'DPM++ 2M' } });
const large = sampleModel('large', { defaults: { width: 768 } });
const broken = sampleModel('broken', {
  problem: { type: 'model-invalid', detail: 'Too short.', hint: null },
});

async function catalogueOf(...models: (typeof small)[]): Promise<Catalogue> {
  const server = new FakeServer();
  server.models = models;
  const catalogue = new Catalogue(new Api(server.fetch));
  await catalogue.refresh();
  return catalogue;
}

beforeEach(() => localStorage.clear());

test('untouched settings follow the chosen model', async () => {
  const form = new GenerationForm(await catalogueOf(small, large));
  expect(form.tuned).toMatchObject({ width: 128, height: 128, steps: 30, sampler: 'DPM++ 2M', cfgScale: 7 });
  form.chooseModel('large');
  expect(form.tuned).toMatchObject({ width: 768, height: 512, steps: 20, sampler: 'Euler a' });
});

test('what was set by hand stays when the model changes, until reset', async () => {
  const form = new GenerationForm(await catalogueOf(small, large));
  form.tune({ steps: 12 });
  form.chooseModel('large');
  expect(form.tuned).toMatchObject({ steps: 12, width: 768 });
  form.prompt = 'a pear';
  form.reset();
  expect(form.tuned.steps).toBe(20);
  expect(form.prompt).toBe('a pear');
  expect(form.isDefault).toBe(true);
});

test('a broken model is never the one that draws', async () => {
  const form = new GenerationForm(await catalogueOf(broken, small));
  expect(form.model?.name).toBe('small');
  form.chooseModel('broken');
  expect(form.request().model).toBe('small');
});

test('a reload finds prompt, model and settings again', async () => {
  const catalogue = await catalogueOf(small, large);
  const before = new GenerationForm(catalogue);
  before.prompt = 'a lighthouse';
  before.negativePrompt = 'fog';
  before.chooseModel('large');
  before.tune({ cfgScale: 4.5 });
  before.seed = 99;
  before.batchCount = 3;
  before.store();
  expect(new GenerationForm(catalogue).request()).toEqual(before.request());
});

test('damaged storage is as good as none', async () => {
  const catalogue = await catalogueOf(small);
  for (const stored of ['{', '"text"', '{"prompt":5}', '{"prompt":"a","width":7}']) {
    localStorage.setItem('atelier.txt2img', stored);
    expect(new GenerationForm(catalogue).tuned.width).toBe(128);
  }
});

test('reusing a picture takes all its settings, and asks for one picture of its seed', async () => {
  const form = new GenerationForm(await catalogueOf(small, large));
  const settings = sampleSettings({ model: 'large', steps: 44, seed: 7, batchSize: 4, prompt: 'a boat' });
  form.reuse(settings);
  expect(form.request()).toEqual({ ...settings, batchSize: 1, batchCount: 1 });
});

test('a request that would be refused is named by field, until the field is changed', async () => {
  const form = new GenerationForm(await catalogueOf(sampleModel('m', { samplePrompts: ['a kite'] })));
  expect(form.check().prompt).toContain('a kite');
  form.prompt = 'a boat';
  expect(form.check()).toEqual({});
  form.tune({ width: 515 });
  form.errors = form.check();
  expect(form.errors.width).toMatch(/multiple of 8/);
  form.tune({ width: 512 });
  expect(form.errors).toEqual({});
});
