import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controlsOf } from '../../../engine/src/control/control-set.ts';
import type { ControlUnit } from '../../../engine/src/control/controls.ts';
import type { AdapterUnit } from '../../../engine/src/control/controls.ts';
import type { ControlNet, T2iAdapter } from '../../../engine/src/families/control-models.ts';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { openAdapter } from '../../../engine/src/families/open-adapter.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { openControlNet } from '../../../engine/src/families/open-control.ts';
import { textToImage } from '../../../engine/src/pipelines/text-to-image.ts';
import { goldenJson, goldenPath, goldenTensors, hasGoldens, maxDifference } from '../diffusion/goldens.ts';

interface Run {
  readonly id: string;
  readonly kind: string;
  readonly prompt: string;
  readonly negative: string;
  readonly seed: number;
  readonly steps: number;
  readonly height: number;
  readonly width: number;
  readonly guidance: number;
  readonly scheduler: 'ddim' | 'euler';
  readonly hint: string;
  readonly control_weight?: number;
  readonly control_start?: number;
  readonly control_end?: number;
  readonly guess_mode?: boolean;
  readonly adapter_weight?: number;
  readonly png: string;
  readonly latents_std: number;
}

describe.skipIf(!hasGoldens)('whole pictures under control', () => {
  const { runs } = hasGoldens ? goldenJson<{ runs: Run[] }>('families/sd1/runs.json') : { runs: [] };
  const guided = runs.filter(({ kind }) => kind === 'control' || kind === 'adapter');
  const tensors = hasGoldens ? goldenTensors('families/sd1/runs.safetensors') : new Map<string, never>();

  let model: DiffusionModel;
  let network: ControlNet;
  let adapter: T2iAdapter;
  beforeAll(async () => {
    const file = (name: string): string => goldenPath(`checkpoints/tiny-sd1${name}.safetensors`);
    model = await openCheckpoint(file(''), { threads: 1 });
    network = await openControlNet(file('-controlnet'), { threads: 1 });
    adapter = await openAdapter(file('-t2iadapter'), { threads: 1 });
  });
  afterAll(() => Promise.all([model.dispose(), network.dispose(), adapter.dispose()]));

  const hintOf = async ({ hint, height, width }: Run): Promise<AdapterUnit['hint']> => {
    const pixels = await sharp(goldenPath(`families/sd1/${hint}`))
      .removeAlpha()
      .raw()
      .toBuffer();
    const data = Float32Array.from({ length: pixels.length }, (_, at) => {
      const area = height * width;
      return (pixels[(at % area) * 3 + Math.floor(at / area)] ?? 0) / 255;
    });
    return (tall, wide) => {
      expect([tall, wide]).toEqual([height, width]);
      return { data, height, width };
    };
  };

  it('covers all of them', () => {
    expect(guided).toHaveLength(4);
  });

  it.each(guided)('draws $id', async (run) => {
    const hint = await hintOf(run);
    const unit: ControlUnit =
      run.kind === 'adapter'
        ? { kind: 'adapter', network: adapter, hint, weight: run.adapter_weight ?? 1 }
        : {
            kind: 'controlnet',
            network,
            hint,
            weight: run.control_weight ?? 1,
            start: run.control_start ?? 0,
            end: run.control_end ?? 1,
            mode: run.guess_mode === true ? 'guess' : 'balanced',
          };
    const request = {
      prompt: run.prompt,
      negativePrompt: run.negative,
      seed: run.seed,
      steps: run.steps,
      height: run.height,
      width: run.width,
      cfgScale: run.guidance,
      sampler: run.scheduler === 'ddim' ? 'DDIM' : 'Euler',
      conventions: 'diffusers' as const,
    };
    const events = textToImage(model, request, { controls: controlsOf([unit], 'diffusers') });
    let drawn = false;
    for await (const event of events) {
      if (event.type !== 'image') continue;
      drawn = true;
      const expected = tensors.get(`${run.id}.latents`)!;
      expect(event.latents.dims).toEqual(expected.shape);
      const difference = maxDifference(event.latents.data, expected.data);
      expect(difference).toBeLessThanOrEqual(1e-3 * run.latents_std);
      const png = await sharp(goldenPath(`families/sd1/${run.png}`))
        .removeAlpha()
        .raw()
        .toBuffer();
      expect(maxDifference(event.image.data, png)).toBeLessThanOrEqual(2);
    }
    expect(drawn).toBe(true);
  });
});
