import type { GenerationSettings } from '@atelier/contract';
import { sampleSettings } from '@atelier/contract/samples';
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCheckpoint } from '../../../bench/full-size-checkpoint.mjs';
import { sd1Layout } from '../../../bench/layouts.mjs';
import { writeDiffusersFolder } from '../parity/naming/write-diffusers-folder.ts';
import { taesdLayout } from '../fixtures/networks/write-checkpoints.mjs';
import type { DriverEvent, EngineDriver, Pixels } from '../../src/workers/child/driver.ts';
import { fakeDriver } from '../../src/workers/child/fake-driver.ts';
import { realDriver } from '../../src/workers/child/real-driver.ts';

/** Small networks with made-up weights, and the tokenizer's whole vocabulary. */
const TINY = {
  text: { width: 32, layers: 1, vocabulary: 49408 },
  unet: { channels: [32, 64], resBlocks: 1, depths: [1, 1], middleDepth: 1, hasLinearProjections: false },
  vae: { channels: [32, 32, 32, 32], resBlocks: 1 },
};
const OTHER = { ...TINY, text: { ...TINY.text, layers: 2 } };

let folder: string;
let modelPath: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-drivers-'));
  modelPath = join(folder, 'tiny.safetensors');
  await writeCheckpoint(modelPath, sd1Layout(TINY), { dtype: 'F16' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings = (change: Partial<GenerationSettings> = {}): GenerationSettings =>
  sampleSettings({ model: 'tiny', steps: 3, width: 72, height: 64, cfgScale: 2, seed: 1, ...change });

interface Drawing {
  events: DriverEvent[];
  image: Pixels | undefined;
}

async function draw(
  driver: EngineDriver,
  {
    change = {},
    seed = 1,
    signal = new AbortController().signal,
    each = (_: DriverEvent): void => undefined,
    path = modelPath,
  } = {},
): Promise<Drawing> {
  const events: DriverEvent[] = [];
  const request = { settings: settings(change), seed, modelPath: path, attempt: 1, signal };
  for await (const event of driver.draw(request)) {
    events.push(event);
    each(event);
  }
  const last = events.at(-1);
  return { events, image: last?.type === 'image' ? last.image : undefined };
}

describe.each([
  ['fake', (): EngineDriver => fakeDriver({ stepMs: 0, allowFailures: true })],
  ['real', (): EngineDriver => realDriver({ threads: 1, previewDecodersDir: '/nowhere' })],
])('the %s engine', (_, create) => {
  let driver: EngineDriver;
  beforeAll(() => void (driver = create()));

  test('tells what it does in order, and ends with a picture of the size asked for', async () => {
    const { events, image } = await draw(driver);
    const kinds = events.map(({ type }) => type).filter((type) => type !== 'loading');
    expect(kinds).toEqual(['conditioned', 'step', 'step', 'step', 'decoding', 'image']);
    expect(events[0]?.type).toBe('loading');
    expect(events.flatMap((event) => (event.type === 'step' ? [[event.step, event.steps]] : []))).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    expect(image).toMatchObject({ width: 72, height: 64 });
    expect(image?.data).toHaveLength(72 * 64 * 3);
  });

  test('makes previews that change from step to step', async () => {
    const { events } = await draw(driver);
    const previews = await Promise.all(
      events.flatMap((event) => (event.type === 'step' ? [event.preview()] : [])),
    );
    for (const { data, width, height } of previews) {
      expect([width, height]).toEqual([9, 8]);
      expect(data).toHaveLength(9 * 8 * 3);
    }
    expect(new Set(previews.map(({ data }) => Buffer.from(data).toString('hex'))).size).toBe(3);
  });

  test('draws the same for the same request, and something else for another seed or prompt', async () => {
    const [first, second, seed, prompt] = [
      await draw(driver),
      await draw(create()),
      await draw(driver, { seed: 2 }),
      await draw(driver, { change: { prompt: 'a pear' } }),
    ].map(({ image }) => image?.data);
    expect(second).toEqual(first);
    expect(seed).not.toEqual(first);
    expect(prompt).not.toEqual(first);
  });

  test('stops within a step once its signal is aborted, without a picture', async () => {
    const abort = new AbortController();
    const steps: DriverEvent[] = [];
    const drawing = draw(driver, {
      change: { steps: 50 },
      signal: abort.signal,
      each(event) {
        if (event.type === 'step') steps.push(event);
        if (steps.length === 2) abort.abort();
      },
    });
    const { image } = await drawing.catch(() => ({ image: undefined })); // ending and throwing are both allowed
    expect(image).toBeUndefined();
    expect(steps.length).toBeLessThanOrEqual(3);
  });
});

describe('the real engine', () => {
  test('keeps the model open, and opens it again when its file has changed', async () => {
    const driver = realDriver({ threads: 1, previewDecodersDir: '/nowhere' });
    const loads = async (): Promise<boolean> =>
      (await draw(driver)).events.some(({ type }) => type === 'loading');
    expect([await loads(), await loads()]).toEqual([true, false]);
    const before = (await draw(driver)).image?.data;

    await writeCheckpoint(`${modelPath}.new`, sd1Layout(OTHER), { dtype: 'F16' });
    renameSync(modelPath, `${modelPath}.old`);
    renameSync(`${modelPath}.new`, modelPath);
    expect((await draw(driver)).image?.data).not.toEqual(before);

    rmSync(modelPath);
    await expect(draw(driver)).rejects.toMatchObject({ code: 'model-not-found' });
    renameSync(`${modelPath}.old`, modelPath);
    expect((await draw(driver)).image?.data).toEqual(before);
  });

  test('opens a folder again when one of its files has changed', async () => {
    const path = join(folder, 'parts');
    const configs = { 'model_index.json': { _class_name: 'StableDiffusionPipeline' } };
    await writeDiffusersFolder(modelPath, path, { configs });
    const driver = realDriver({ threads: 1, previewDecodersDir: '/nowhere' });
    const before = await draw(driver, { path });
    expect(before.image).toBeDefined();
    utimesSync(join(path, 'vae', 'diffusion_pytorch_model.fp16.safetensors'), 1, 1);
    const after = await draw(driver, { path });
    expect(after.events.some(({ type }) => type === 'loading')).toBe(true);
    expect(after.image?.data).toEqual(before.image?.data);
  });

  test('makes previews with a small decoder where there is one, and without where it is broken', async () => {
    const decoders = join(folder, 'decoders');
    const preview = async (): Promise<Pixels> => {
      const driver = realDriver({ threads: 1, previewDecodersDir: decoders });
      const steps = (await draw(driver)).events.filter(({ type }) => type === 'step');
      return (steps[1] as Extract<DriverEvent, { type: 'step' }>).preview();
    };
    mkdirSync(decoders);
    const rough = await preview();
    writeFileSync(join(decoders, 'taesd_decoder.safetensors'), 'no weights');
    expect(await preview()).toEqual(rough);
    await writeCheckpoint(join(decoders, 'taesd_decoder.safetensors'), taesdLayout(8).decoder, {
      dtype: 'F16',
    });
    expect(await preview()).toMatchObject({ width: 72, height: 64 });
  });

  test('names the schedule as the webui does', () => {
    const driver = realDriver({ threads: 1, previewDecodersDir: '/nowhere' });
    expect(driver.scheduleLabel(settings({ sampler: 'Euler a' }))).toBe('Automatic');
    expect(driver.scheduleLabel(settings({ sampler: 'DPM++ 2M' }))).toBe('Karras');
    expect(driver.scheduleLabel(settings({ sampler: 'DPM++ 2M', scheduler: 'Exponential' }))).toBe(
      'Exponential',
    );
  });
});

test('the fake engine fails as its prompt says only where that is allowed', async () => {
  const driver = fakeDriver({ stepMs: 0, allowFailures: false });
  expect((await draw(driver, { change: { prompt: '!exit@1' } })).image).toBeDefined();
});
