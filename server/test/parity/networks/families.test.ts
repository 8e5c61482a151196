import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { goldenPath, hasGoldens } from '../diffusion/goldens.ts';
import { golden } from '../report/measure.ts';
import {
  comparisonsOf,
  expectDecoderAgrees,
  expectEncoderAgrees,
  expectUnetAgrees,
  TOLERANCE,
} from './agreement.ts';
import { openReferences } from './tensors.ts';

// Reference: torch 2.13.0 on the CPU, diffusers 0.42.1, transformers 5.23.0, float32, with the stored fp16 weights.
const DIFFUSERS = golden('diffusers 0.42.1');
const TRANSFORMERS = golden('transformers 5.23.0');
const references = (name: string) => openReferences(goldenPath(`families/${name}.safetensors`));
const open = (file: string) => openCheckpoint(goldenPath(`checkpoints/${file}`), { threads: 1 });

describe.skipIf(!hasGoldens)('SD 2.x', () => {
  const compared = comparisonsOf('SD 2.x', DIFFUSERS);
  const { text: textCompared } = comparisonsOf('SD 2.x', TRANSFORMERS);
  let model: DiffusionModel;
  beforeAll(async () => {
    model = await open('tiny-sd2.safetensors');
  });
  afterAll(() => model.dispose());

  it('takes v prediction from the configuration beside the file', () => {
    expect(model).toMatchObject({ card: { family: 'sd2' }, task: 'text', prediction: 'v' });
  });

  it('encodes text with the last layer but one, whatever fills the chunk up', async () => {
    const text = await references('sd2/text');
    for (const key of ['p0', 'p1', 'p2']) {
      const expected = text.floats(`${key}.penultimate`);
      // The reference fills up with 0; callers fill up with the end token.
      const ids = text.ids(`${key}.ids`);
      const end = ids.indexOf(49407);
      const result = await model.encodeText(ids.slice().fill(49407, end));
      expect(result.dims).toEqual(expected.dims);
      textCompared.close(result.data, expected.data, TOLERANCE.text);
    }
  });

  it('evaluates the UNet', async () => {
    const unet = await references('sd2/unet');
    const keys = unet.names.filter((name) => name.endsWith('.out')).map((name) => name.slice(0, -4));
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) await expectUnetAgrees(model, unet, key, compared);
  });
});

describe.skipIf(!hasGoldens)('SDXL', () => {
  const compared = comparisonsOf('SDXL', DIFFUSERS);
  const { text: textCompared } = comparisonsOf('SDXL, both and the pooled vector', TRANSFORMERS);
  let model: DiffusionModel;
  beforeAll(async () => {
    model = await open('tiny-sdxl.safetensors');
  });
  afterAll(() => model.dispose());

  it('is known by its text encoders', () => {
    expect(model).toMatchObject({ card: { family: 'sdxl' }, task: 'text', prediction: 'epsilon' });
  });

  it('encodes text with both encoders, side by side, and pools the second', async () => {
    const text = await references('sdxl/text');
    for (const key of ['0', '1', '2']) {
      const [first, second] = ['l', 'g'].map((tower) => text.floats(`${tower}${key}.hidden`));
      const ids = text.ids(`l${key}.ids`);
      const result = await model.encodeText(ids);
      expect(result.dims).toEqual([1, 77, 16]);
      const [left, right] = [first!, second!].map(({ data, dims }) => {
        const layer = (dims[0] ?? 0) - 2;
        return data.subarray(layer * 77 * 8, (layer + 1) * 77 * 8);
      }) as [Float32Array, Float32Array];
      const expected = new Float32Array(77 * 16);
      for (let token = 0; token < 77; token += 1) {
        expected.set(left.subarray(token * 8, token * 8 + 8), token * 16);
        expected.set(right.subarray(token * 8, token * 8 + 8), token * 16 + 8);
      }
      textCompared.close(result.data, expected, TOLERANCE.text);
      textCompared.close(result.pooled!, text.floats(`g${key}.text_embeds`).data, TOLERANCE.text);
    }
  });

  it('evaluates the UNet with sizes and pooled text', async () => {
    const unet = await references('sdxl/unet');
    for (const key of ['0', '1']) {
      const [sample, out] = [unet.planes(`${key}.sample`), unet.planes(`${key}.out`)];
      const [context, pooled] = [unet.floats(`${key}.context`), unet.floats(`${key}.text_embeds`)];
      const sizes = unet.floats(`${key}.time_ids`).data;
      const [batch, ...picture] = sample.dims;
      for (let index = 0; index < batch; index += 1) {
        const part = (data: Float32Array): Float32Array =>
          data.slice((index * data.length) / batch, ((index + 1) * data.length) / batch);
        const [height = 0, width = 0, top = 0, left = 0, targetHeight = 0, targetWidth = 0] = part(sizes);
        const result = await model.predict(
          { data: part(sample.data), dims: [1, ...picture] },
          unet.floats(`${key}.timestep`).data[0]!,
          { data: part(context.data), dims: [1, 77, 16], pooled: part(pooled.data) },
          { size: { original: [height, width], crop: [top, left], target: [targetHeight, targetWidth] } },
        );
        compared.unet.close(result.data, part(out.data), TOLERANCE.unet);
      }
    }
  });

  it('decodes and encodes pictures at its own scale', async () => {
    const vae = await references('sdxl/vae');
    await expectDecoderAgrees(model, vae, { latents: '0.z_scaled', decoded: '0.decoded' }, compared);
    await expectEncoderAgrees(model, vae, '0', compared);
  });
});

describe.skipIf(!hasGoldens)('UNets that take more than latents', () => {
  it.each([
    ['SD 1.x', 'inpaint', 'tiny-inpaint.ckpt', 5],
    ['SD 2.x', 'depth', 'tiny-depth.safetensors', 1],
  ] as const)('%s, %s', async (family, task, file, extra) => {
    const model = await open(file);
    expect(model).toMatchObject({ task, prediction: 'epsilon', latentChannels: 4 });
    const unet = await references(`${task}/unet`);
    const { data, dims } = unet.planes('0.sample');
    const [, , height, width] = dims;
    const split = 4 * height * width;
    const context = unet.floats('0.context');
    const [, tokens = 0, contextWidth = 0] = context.dims;
    const result = await model.predict(
      { data: data.slice(0, split), dims: [1, 4, height, width] },
      unet.floats('0.timestep').data[0]!,
      { data: context.data, dims: [1, tokens, contextWidth] },
      { concat: { data: data.slice(split), dims: [1, extra, height, width] } },
    );
    const compared = comparisonsOf(`${family}, ${task} (${4 + extra} channels)`, DIFFUSERS);
    compared.unet.close(result.data, unet.floats('0.out').data, TOLERANCE.unet);
    await model.dispose();
  });
});
