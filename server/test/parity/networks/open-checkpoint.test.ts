import { mkdtempSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeCheckpoint } from '../../../../bench/full-size-checkpoint.mjs';
import { sd1Layout } from '../../../../bench/layouts.mjs';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { inspectCheckpoint } from '../../../engine/src/families/inspect-checkpoint.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';

/** As small as the layout goes. */
const SMALLEST = {
  text: { width: 32, layers: 2, vocabulary: 100 },
  unet: { channels: [32, 32], resBlocks: 1, depths: [1, 1], middleDepth: 1, hasLinearProjections: true },
  vae: { channels: [32, 32, 32, 32], resBlocks: 1 },
};
type Layout = { name: string; shape: number[] }[];

let folder: string;
let files = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-checkpoint-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A tiny checkpoint, as changed. */
async function written(
  change: (layout: Layout) => Layout = (layout) => layout,
  metadata: Record<string, string> = {},
): Promise<string> {
  const path = join(folder, `${files++}.safetensors`);
  await writeCheckpoint(path, change(sd1Layout(SMALLEST)), { metadata });
  return path;
}
const latents = (height: number, width: number, channels = 4) => ({
  data: new Float32Array(channels * height * width).fill(0.5),
  dims: [1, channels, height, width] as const,
});
const context = { data: new Float32Array(77 * 32), dims: [1, 77, 32] as const };
const tokens = new Int32Array(77).fill(3);

describe('a checkpoint that is not whole', () => {
  it.each([
    'model.diffusion_model.input_blocks.1.0.out_layers.3.bias',
    'model.diffusion_model.output_blocks.3.1.transformer_blocks.0.ff.net.2.weight',
    'model.diffusion_model.middle_block.1.norm.weight',
    'model.diffusion_model.time_embed.2.weight',
    'cond_stage_model.transformer.text_model.encoder.layers.1.mlp.fc1.bias',
    'first_stage_model.decoder.up.2.block.0.norm2.weight',
  ])('is refused by name when it lacks %s, before any weight is loaded', async (name) => {
    const path = await written((layout) => layout.filter((tensor) => tensor.name !== name));
    const refusal = {
      code: 'model-invalid',
      message: expect.stringContaining(`lacks the tensor "${name}"`) as string,
    };
    await expect(inspectCheckpoint(path)).rejects.toMatchObject(refusal);
    await expect(openCheckpoint(path)).rejects.toMatchObject(refusal);
  });

  it('is refused when a tensor has another shape than its neighbours need', async () => {
    const name = 'model.diffusion_model.input_blocks.1.0.in_layers.2.weight';
    const path = await written((layout) =>
      layout.map((tensor) => (tensor.name === name ? { ...tensor, shape: [32, 16, 3, 3] } : tensor)),
    );
    await expect(inspectCheckpoint(path)).rejects.toThrow(
      `has "${name}" of shape [32, 16, 3, 3]; expected [any, 32, 3, 3]`,
    );
  });

  it('is refused when a tensor is stored as something that cannot be used', async () => {
    const path = await written();
    const bytes = readFileSync(path);
    bytes.write('"I16"', bytes.indexOf('"F16"', bytes.indexOf('input_blocks.1.0.in_layers.2.weight')));
    writeFileSync(path, bytes);
    await expect(inspectCheckpoint(path)).rejects.toThrow(
      /stores "model.diffusion_model.input_blocks.1.0.in_layers.2.weight" as I16; F32, F16/,
    );
  });

  it('is refused when its text encoder and its UNet are of different models', async () => {
    const mixed = { ...SMALLEST, text: { ...SMALLEST.text, width: 128 } };
    const path = await written((layout) => [
      ...(sd1Layout(mixed) as Layout).filter(({ name }) => name.startsWith('cond_stage_model.')),
      ...layout.filter(({ name }) => !name.startsWith('cond_stage_model.')),
    ]);
    await expect(inspectCheckpoint(path)).rejects.toThrow(/text encoders 128 wide, but a UNet for 32/);
  });

  it('may lack the VAE’s encoder, until a picture is to be encoded', async () => {
    const path = await written((layout) => layout.filter(({ name }) => !name.includes('.encoder.conv_in')));
    const model = await openCheckpoint(path, { threads: 1 });
    expect((await model.decode(latents(4, 4))).width).toBe(32);
    const pixels = { data: new Float32Array(3 * 64), height: 8, width: 8 };
    await expect(model.encodeImage(pixels)).rejects.toThrow(
      'lacks the tensor "first_stage_model.encoder.conv_in.weight"',
    );
    await model.dispose();
  });
});

describe('a checkpoint', () => {
  it('is opened with its own card and prediction type', async () => {
    const path = await written((layout) => [...layout, { name: 'v_pred', shape: [0] }], {
      'modelspec.title': 'Tiny',
      'atelier.latent_rgb': JSON.stringify({ weight: new Array(4).fill([1, 0, 0]), bias: [0, 0, 0] }),
    });
    const model = await openCheckpoint(path);
    expect(model).toMatchObject({
      prediction: 'v',
      latentChannels: 4,
      card: { title: 'Tiny', family: 'sd1' },
    });
    expect(model.latentToRgb.bias).toEqual([0, 0, 0]);
    await model.dispose();
  });

  it('reports each network before it is loaded', async () => {
    const model = await openCheckpoint(await written(), { threads: 1 });
    const loaded: string[] = [];
    await model.load((name) => loaded.push(name));
    expect(loaded).toEqual(['text encoder', 'UNet', 'VAE decoder']);
    await model.dispose();
  });

  it('computes the same each time, and leaves its inputs alone', async () => {
    const model = await openCheckpoint(await written(), { threads: 1 });
    const x = latents(8, 8);
    const first = await model.predict(x, 10, context);
    const again = await model.predict(x, 10, context);
    expect([...again.data]).toEqual([...first.data]);
    expect([...(await model.predict(x, 11, context)).data]).not.toEqual([...first.data]);
    expect(x).toEqual(latents(8, 8));
    await model.dispose();
  });

  it('notices that its file changed before it uses any network, loaded or not', async () => {
    const path = await written();
    const model = await openCheckpoint(path, { threads: 1 });
    await model.encodeText(tokens);
    utimesSync(path, 1, 1);
    await expect(model.decode(latents(2, 2))).rejects.toMatchObject({ code: 'model-changed' });
    await expect(model.encodeText(tokens)).rejects.toMatchObject({ code: 'model-changed' });
    truncateSync(path, 100);
    await expect(model.predict(latents(8, 8), 1, context)).rejects.toMatchObject({ code: 'model-changed' });
    await model.dispose();
  });

  it('can be disposed of twice, but not be used afterwards', async () => {
    const model = await openCheckpoint(await written(), { threads: 1 });
    await model.encodeText(tokens);
    await model.dispose();
    await model.dispose();
    await expect(model.encodeText(tokens)).rejects.toThrow(/after it was disposed of/);
    await expect(model.decode(latents(2, 2))).rejects.toThrow(/after it was disposed of/);
  });

  describe('asked for what it cannot do', () => {
    let model: DiffusionModel;
    beforeAll(async () => {
      model = await openCheckpoint(await written(), { threads: 1 });
    });
    afterAll(() => model.dispose());

    it.each([0, 3, 1.5])('refuses CLIP skip %d of two layers', async (clipSkip) => {
      await expect(model.encodeText(tokens, clipSkip)).rejects.toMatchObject({
        code: 'invalid-request',
        message: `Expected CLIP skip from 1 to 2 but received ${clipSkip}.`,
      });
    });

    it('refuses token ids that it does not know, and other than 77', async () => {
      await expect(model.encodeText(new Int32Array(77).fill(100))).rejects.toThrow(/Token id 100 is not in/);
      await expect(model.encodeText(new Int32Array(77).fill(-1))).rejects.toThrow(/Token id -1 is not in/);
      await expect(model.encodeText(new Int32Array(76))).rejects.toThrow(
        'Expected 77 token ids but received 76.',
      );
    });

    it('refuses latents and context of other widths', async () => {
      await expect(model.predict(latents(8, 8, 5), 1, context)).rejects.toThrow(RangeError);
      const wide = { data: new Float32Array(77 * 33), dims: [1, 77, 33] as const };
      await expect(model.predict(latents(8, 8), 1, wide)).rejects.toThrow(RangeError);
      await expect(model.decode(latents(8, 8, 5))).rejects.toThrow(RangeError);
    });

    it('refuses pictures whose sides are no multiples of 8', async () => {
      const pixels = { data: new Float32Array(3 * 12 * 16), height: 12, width: 16 };
      await expect(model.encodeImage(pixels)).rejects.toMatchObject({ code: 'invalid-request' });
    });

    it('says that numbers became invalid, and in which network', async () => {
      const x = { ...latents(8, 8), data: new Float32Array(4 * 64).fill(Number.NaN) };
      await expect(model.predict(x, 1, context)).rejects.toMatchObject({
        code: 'non-finite',
        message: expect.stringContaining('The UNet') as string,
      });
    });

    it('refuses a size that does not fit into memory before it starts', async () => {
      const side = 2 ** 15;
      const dims = [1, 4, side, side] as const;
      await expect(model.predict({ data: new Float32Array(0), dims }, 1, context)).rejects.toMatchObject({
        code: 'out-of-memory',
        message: expect.stringMatching(/MiB of memory are needed to draw 262144x262144 pixels/) as string,
      });
    });
  });
});
