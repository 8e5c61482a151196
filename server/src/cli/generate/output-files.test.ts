import { GenerationSettings } from '@atelier/contract';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { outputFiles, savePicture } from './output-files.ts';

describe('names of output files', () => {
  it('are the one that was asked for, or made from the seed', () => {
    expect(outputFiles('apple.png', 5, 1)).toEqual(['apple.png']);
    expect(outputFiles(null, 5, 1)).toEqual(['atelier-5.png']);
  });

  it('are numbered before the suffix', () => {
    expect(outputFiles('out/red.apple.png', 5, 2)).toEqual(['out/red.apple-1.png', 'out/red.apple-2.png']);
    expect(outputFiles('apple', 5, 2)).toEqual(['apple-1', 'apple-2']);
  });

  it('stay standard output', () => {
    expect(outputFiles('-', 5, 2)).toEqual(['-', '-']);
  });
});

describe('saving', () => {
  let folder = '';
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'atelier-cli-'))));
  afterEach(() => rm(folder, { recursive: true }));

  const settings = GenerationSettings.parse({
    ...{
      prompt: 'a red apple',
      negativePrompt: '',
      model: 'starter',
      sampler: 'Euler',
      scheduler: 'Automatic',
    },
    ...{ steps: 4, width: 64, height: 64, cfgScale: 7, seed: 5, batchSize: 1, batchCount: 1 },
  });
  const facts = { settings, modelHash: null, version: '0.1.0' };
  const pixel = { create: { width: 1, height: 1, channels: 3 as const, background: 'red' } };

  it('writes the generation text into the file, and leaves nothing else', async () => {
    const png = await sharp(pixel).png().toBuffer();
    await savePicture(join(folder, 'apple.png'), { index: 0, seed: 6, schedule: 'Automatic', png }, facts);
    expect(await readdir(folder)).toEqual(['apple.png']);
    const text = (await readFile(join(folder, 'apple.png'))).toString('latin1');
    expect(text).toContain('parameters\0a red apple\nSteps: 4, Sampler: Euler, Schedule type: Automatic');
    expect(text).toContain('Seed: 6, Size: 64x64');
  });

  it('fails without leaving anything if the folder is not there', async () => {
    const png = await sharp(pixel).png().toBuffer();
    const saving = savePicture(join(folder, 'no', 'a.png'), { index: 0, seed: 6, schedule: '', png }, facts);
    await expect(saving).rejects.toThrow('ENOENT');
    expect(await readdir(folder)).toEqual([]);
  });
});
