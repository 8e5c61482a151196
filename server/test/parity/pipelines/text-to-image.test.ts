import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { openLora } from '../../../engine/src/families/open-lora.ts';
import { conditionOn } from '../../../engine/src/pipelines/conditioning.ts';
import { textToImage } from '../../../engine/src/pipelines/text-to-image.ts';
import { goldenJson, goldenPath, goldenTensors, hasGoldens } from '../diffusion/goldens.ts';
import { Comparison, golden } from '../report/measure.ts';
import { GoldenRuns } from './golden-runs.ts';

/** Each family, and how many of its runs are drawn from text with nothing but a checkpoint. */
const FAMILIES = [
  { family: 'sd1', count: 20 },
  { family: 'sd2', count: 4 },
  { family: 'sdxl', count: 4 },
] as const;

describe.skipIf(!hasGoldens).each(FAMILIES)('text to image, $family', ({ family, count }) => {
  let model: DiffusionModel;
  beforeAll(async () => {
    model = await openCheckpoint(goldenPath(`checkpoints/tiny-${family}.safetensors`), { threads: 1 });
  });
  afterAll(() => model.dispose());

  const goldens = hasGoldens ? new GoldenRuns(family) : null;
  const mine = goldens?.ofKind('txt2img').filter(({ lora }) => lora === undefined) ?? [];

  it.each(mine)('draws $id', (run) => goldens!.expectSame(run, textToImage(model, goldens!.request(run))));

  it('covers every run', () => {
    expect(mine).toHaveLength(count);
  });
});

const LORA_FAMILIES = ['sd1', 'sdxl'] as const;

describe.skipIf(!hasGoldens).each(LORA_FAMILIES)('text to image with a LoRA, %s', (family) => {
  const goldens = hasGoldens ? new GoldenRuns(family) : null;
  const mine = goldens?.ofKind('txt2img').filter(({ lora }) => lora !== undefined) ?? [];

  it.each(
    mine.flatMap((run) => [
      { ...run, mode: 'folded' as const },
      { ...run, mode: 'live' as const },
    ]),
  )('draws $id, $mode', async ({ mode, ...run }) => {
    const loras = await Promise.all(
      run.lora!.map(async ({ file, weight }) => ({
        lora: await openLora(goldenPath(`checkpoints/${file}`)),
        ...{ unet: weight, text: weight, mode },
      })),
    );
    const checkpoint = goldenPath(`checkpoints/tiny-${family}.safetensors`);
    const model = await openCheckpoint(checkpoint, { threads: 1, loras });
    await goldens!.expectSame(run, textToImage(model, goldens!.request(run)));
    await model.dispose();
  });

  it('covers the one there is', () => {
    expect(mine).toHaveLength(1);
  });
});

describe.skipIf(!hasGoldens)('text to image, sd1', () => {
  let model: DiffusionModel;
  beforeAll(async () => {
    model = await openCheckpoint(goldenPath('checkpoints/tiny-sd1.safetensors'), { threads: 1 });
  });
  afterAll(() => model.dispose());

  const goldens = hasGoldens ? new GoldenRuns('sd1') : null;

  it.each(goldens?.ofKind('txt2img-hires') ?? [])('draws a second, larger pass: $id', (run) => {
    const hires = {
      width: run.hires_width!,
      height: run.hires_height!,
      steps: run.hires_steps!,
      strength: run.denoising!,
    };
    return goldens!.expectSame(run, textToImage(model, { ...goldens!.request(run), hires }));
  });

  it('weights text as the webui does', async () => {
    interface Texts {
      weighted: { name: string; prompt: string }[];
    }
    const { weighted } = goldenJson<Texts>('families/sd1/text.json');
    const compared = new Comparison(
      'Text',
      'Weighted prompts, SD 1.x',
      golden("webui 1.10's rules over transformers 5.23.0"),
    );
    const expected = goldenTensors('families/sd1/text.safetensors');
    expect(weighted).toHaveLength(7);
    for (const { name, prompt } of weighted) {
      for (const clipSkip of [1, 2]) {
        const actual = await conditionOn(model, prompt, { clipSkip, conventions: 'webui', embeddings: [] });
        const { data } = expected.get(`${name}.skip${clipSkip}`)!;
        // As much as the text encoder alone is allowed.
        compared.close(actual.data, data, 5e-5, prompt);
      }
    }
  });
});
