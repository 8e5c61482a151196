import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { conditionOn } from '../../../engine/src/pipelines/conditioning.ts';
import type { TextToImageRequest } from '../../../engine/src/pipelines/text-to-image-types.ts';
import { textToImage } from '../../../engine/src/pipelines/text-to-image.ts';
import { goldenJson, goldenPath, goldenTensors, hasGoldens, maxDifference } from '../diffusion/goldens.ts';

interface Run {
  id: string;
  engine: 'diffusers' | 'webui';
  kind: string;
  prompt: string;
  negative: string;
  steps: number;
  height: number;
  width: number;
  guidance: number;
  clip_skip: number;
  seed: number;
  scheduler?: string;
  sampler?: string;
  schedule?: string;
  png: string;
  latents_std: number;
}

/** What diffusers calls a scheduler is a sampler with its schedule. */
const DIFFUSERS: Record<string, { sampler: string; scheduler?: string }> = {
  ddim: { sampler: 'DDIM' },
  euler: { sampler: 'Euler' },
  euler_a: { sampler: 'Euler a' },
  pndm: { sampler: 'PLMS' },
  dpmpp_2m_karras: { sampler: 'DPM++ 2M', scheduler: 'Karras' },
};

/** Runs of features that are not here yet. */
const LATER = ['d-lora-euler', 'w-and'];

function toRequest(run: Run): TextToImageRequest {
  const { prompt, negative: negativePrompt, steps, width, height, guidance: cfgScale, seed, engine } = run;
  const choice =
    engine === 'webui' ? { sampler: run.sampler!, scheduler: run.schedule! } : DIFFUSERS[run.scheduler!]!;
  const shared = { prompt, negativePrompt, steps, width, height, cfgScale, seed, conventions: engine };
  return { ...shared, ...choice, clipSkip: run.clip_skip };
}

async function draw(model: DiffusionModel, request: TextToImageRequest) {
  for await (const event of textToImage(model, request)) if (event.type === 'image') return event;
  throw new Error('no picture came');
}

describe.skipIf(!hasGoldens)('text to image on a tiny SD 1.x checkpoint', () => {
  let model: DiffusionModel;
  beforeAll(async () => {
    model = await openCheckpoint(goldenPath('checkpoints/tiny-sd1.safetensors'), { threads: 1 });
    await model.load();
  });
  afterAll(() => model.dispose());

  const { runs } = hasGoldens ? goldenJson<{ runs: Run[] }>('families/sd1/runs.json') : { runs: [] };
  const tensors = hasGoldens ? goldenTensors('families/sd1/runs.safetensors') : new Map<string, never>();
  const mine = runs.filter(({ kind, id }) => kind === 'txt2img' && !LATER.includes(id));

  // Other float32 kernels move the reference itself by 1.4e-5 of the standard deviation, at most 1.3e-4, and no
  // pixel by more than 1 of 255.
  it.each(mine)('draws $id', async (run) => {
    const { latents, image } = await draw(model, toRequest(run));
    const expected = tensors.get(`${run.id}.latents`)!;
    expect(latents.dims).toEqual(expected.shape);
    expect(maxDifference(latents.data, expected.data)).toBeLessThanOrEqual(1e-3 * run.latents_std);

    const png = await sharp(goldenPath(`families/sd1/${run.png}`))
      .removeAlpha()
      .raw()
      .toBuffer();
    expect([image.width, image.height]).toEqual([run.width, run.height]);
    expect(maxDifference(image.data, png)).toBeLessThanOrEqual(2);
    const total = image.data.reduce((sum, byte, i) => sum + Math.abs(byte - png[i]!), 0);
    expect(total / png.length).toBeLessThanOrEqual(0.02);
  });

  it('covers every run but those of later features', () => {
    expect(mine).toHaveLength(19);
  });

  it('weights text as the webui does', async () => {
    interface Texts {
      weighted: { name: string; prompt: string }[];
    }
    const { weighted } = goldenJson<Texts>('families/sd1/text.json');
    const expected = goldenTensors('families/sd1/text.safetensors');
    expect(weighted).toHaveLength(7);
    for (const { name, prompt } of weighted) {
      for (const clipSkip of [1, 2]) {
        const actual = await conditionOn(model, prompt, { clipSkip, conventions: 'webui' });
        const { data } = expected.get(`${name}.skip${clipSkip}`)!;
        // As much as the text encoder alone is allowed.
        expect(maxDifference(actual.data, data), prompt).toBeLessThanOrEqual(5e-5);
      }
    }
  });
});
