import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { openTaesd } from '../../../engine/src/families/open-taesd.ts';
import { clipText } from '../../../engine/src/networks/clip-text.ts';
import { vaeDecoder, vaeEncoder } from '../../../engine/src/networks/vae.ts';
import { Session } from '../../../engine/src/onnx/session.ts';
import { openSafetensors } from '../../../engine/src/weights/safetensors.ts';
import { Weights } from '../../../engine/src/weights/weights.ts';
import { goldenPath, hasGoldens } from '../diffusion/goldens.ts';
import { golden } from '../report/measure.ts';
import {
  comparisonsOf,
  expectDecoderAgrees,
  expectEncoderAgrees,
  expectTaesdAgrees,
  expectTextAgrees,
  expectUnetAgrees,
  TOLERANCE,
} from './agreement.ts';
import { openReferences, type References } from './tensors.ts';

// Reference: torch 2.13.0 on the CPU, diffusers 0.42.1, transformers 5.23.0, float32, with the stored fp16 weights.
const DIFFUSERS = golden('diffusers 0.42.1');
const TRANSFORMERS = golden('transformers 5.23.0');
const compared = comparisonsOf('SD 1.x', DIFFUSERS);
const sd1 = (name: string): Promise<References> =>
  openReferences(goldenPath(`families/sd1/${name}.safetensors`));
const cases = (name: string): number[] => {
  const { cases: list } = JSON.parse(readFileSync(goldenPath(`families/sd1/${name}.json`), 'utf8')) as {
    cases: { case: number }[];
  };
  return list.map((entry) => entry.case);
};

describe.skipIf(!hasGoldens)('the tiny SD 1.x checkpoint computes what diffusers computes:', () => {
  let model: DiffusionModel;
  beforeAll(async () => {
    model = await openCheckpoint(goldenPath('checkpoints/tiny-sd1.safetensors'), { threads: 1 });
  });
  afterAll(() => model.dispose());

  it('text encoder, CLIP skip 1 and 2', async () => {
    const references = await sd1('text');
    for (const key of ['p0', 'p1', 'p2']) {
      await expectTextAgrees(model, references, key, comparisonsOf('SD 1.x', TRANSFORMERS));
    }
  });

  it('UNet, every case', async () => {
    const references = await sd1('unet');
    for (const index of cases('unet')) await expectUnetAgrees(model, references, `${index}`, compared);
  });

  it('VAE, every case both ways', async () => {
    const references = await sd1('vae');
    for (const index of cases('vae')) {
      const names = { latents: `${index}.z_scaled`, decoded: `${index}.decoded` };
      await expectDecoderAgrees(model, references, names, compared);
      await expectEncoderAgrees(model, references, `${index}`, compared);
    }
  });
});

describe.skipIf(!hasGoldens)('other files:', () => {
  it('a VAE by itself, with shortcuts where the width changes', async () => {
    const alone = comparisonsOf('a file by itself, with shortcuts', DIFFUSERS);
    const references = await sd1('vae-b');
    const weights = new Weights(await openSafetensors(goldenPath('checkpoints/tiny-b.vae.safetensors')));
    const decoder = await Session.open('VAE decoder', vaeDecoder(weights), { threads: 1 });
    const encoder = await Session.open('VAE encoder', vaeEncoder(weights), { threads: 1 });
    const scaled = references.planes('0.z_scaled');
    const latents = { data: scaled.data.map((value) => value / 0.18215), dims: scaled.dims };
    const { data } = await decoder.runOne({ latents }, 'pixels');
    alone.decode.close(data, references.floats('0.decoded').data, TOLERANCE.decode);
    const posterior = await encoder.run({ pixels: references.planes('0.image') }, ['mean', 'logvar']);
    for (const part of ['mean', 'logvar'] as const) {
      alone.encode.close(posterior[part].data, references.floats(`0.${part}`).data, TOLERANCE.encode);
    }
    await Promise.all([decoder.dispose(), encoder.dispose()]);
  });

  it('TAESD, every case both ways', async () => {
    const references = await sd1('taesd');
    const [decoder, encoder] = ['decoder', 'encoder'].map((part) =>
      goldenPath(`checkpoints/tiny-taesd_${part}.safetensors`),
    ) as [string, string];
    const taesd = await openTaesd(decoder, encoder, { threads: 1 });
    const indices = references.names.filter((name) => name.endsWith('.z')).map((name) => name.slice(0, -2));
    expect(indices.length).toBeGreaterThan(0);
    for (const index of indices) {
      const names = {
        image: `${index}.image`,
        encoded: `${index}.latents`,
        latents: `${index}.z`,
        decoded: `${index}.decoded`,
      };
      await expectTaesdAgrees(taesd, references, names, comparisonsOf('TAESD', DIFFUSERS));
    }
    await taesd.dispose();
  });

  it.each(['quickgelu', 'gelu'] as const)('a text encoder of two heads, %s', async (activation) => {
    const { text } = comparisonsOf('two heads', TRANSFORMERS);
    const name = `text-multihead-${activation}`;
    const references = await openReferences(goldenPath(`families/text-multihead/${name}.safetensors`));
    const source = await openSafetensors(goldenPath(`checkpoints/${name}/model.safetensors`));
    const model = clipText(new Weights(source, 'text_model.'), {
      activation: activation === 'gelu' ? 'gelu' : 'quick-gelu',
    });
    const session = await Session.open('text encoder', model, { threads: 1 });
    for (const index of [0, 1]) {
      const tokens = { data: references.ids(`${index}.ids`), dims: [2, 77] };
      const given = { data: new Float32Array(2 * 77 * model.width), dims: [2, 77, model.width] };
      const is_given = { data: new Int32Array(2 * 77), dims: [2, 77] };
      const { data } = await session.runOne({ tokens, given, is_given }, 'skip1');
      text.close(data, references.floats(`${index}.last`).data, TOLERANCE.text);
    }
    await session.dispose();
  });
});
