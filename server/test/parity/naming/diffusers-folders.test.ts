import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Latents } from '../../../engine/src/diffusion/latents.ts';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { writeCheckpoints } from '../../fixtures/networks/write-checkpoints.mjs';
import { goldenPath, hasGoldens } from '../diffusion/goldens.ts';
import { Comparison, fixture, golden as elsewhere } from '../report/measure.ts';
import { writeDiffusersFolder, type FolderOptions } from './write-diffusers-folder.ts';

let above: string;
beforeAll(async () => {
  above = mkdtempSync(join(tmpdir(), 'atelier-diffusers-'));
  await writeCheckpoints(above);
});
afterAll(() => {
  rmSync(above, { recursive: true });
});

const text = (hidden_act: string): Record<string, object> => ({ 'text_encoder/config.json': { hidden_act } });
const unet = (attention_head_dim: unknown, block_out_channels: number[] = []): Record<string, object> => ({
  'unet/config.json': { attention_head_dim, block_out_channels },
});
const vae = (scaling_factor: number): Record<string, object> => ({ 'vae/config.json': { scaling_factor } });
const golden = (name: string): string => goldenPath(`checkpoints/${name}.safetensors`);

interface Case {
  readonly name: string;
  readonly family: string;
  readonly path: () => string;
  readonly folder: FolderOptions;
}
const own: Case[] = ['levels', 'linear'].map((name) => ({
  name,
  family: 'SD 1.x',
  path: () => join(above, `${name}.safetensors`),
  folder: { configs: { ...text('quick_gelu'), ...unet(8) } },
}));
const goldens: Case[] = [
  {
    name: 'tiny-sd2',
    family: 'SD 2.x',
    path: () => golden('tiny-sd2'),
    folder: {
      textLayers: 4,
      configs: {
        ...text('gelu'),
        ...unet([1, 1, 1, 1], [32, 32, 32, 64]),
        'scheduler/scheduler_config.json': { prediction_type: 'v_prediction' },
      },
    },
  },
  {
    name: 'tiny-sdxl',
    family: 'SDXL',
    path: () => golden('tiny-sdxl'),
    folder: {
      configs: {
        ...text('quick_gelu'),
        ...unet([1, 1, 1], [32, 32, 32]),
        ...vae(0.13025),
        'text_encoder_2/config.json': { hidden_act: 'gelu' },
        'scheduler/scheduler_config.json': { prediction_type: 'epsilon' },
      },
    },
  },
];

describe.each([...own, ...(hasGoldens ? goldens : [])])(
  '$name as a diffusers folder',
  ({ name, family, path, folder }) => {
    const origin = (own.some((entry) => entry.name === name) ? fixture : elsewhere)(
      'the single file of the same model',
    );
    const same = new Comparison('Weight files', `Diffusers folder, ${family}: every network`, origin);
    let [file, copy]: DiffusionModel[] = [];
    beforeAll(async () => {
      const inFolder = join(above, `${name}-diffusers`);
      await writeDiffusersFolder(path(), inFolder, folder);
      file = await openCheckpoint(path(), { threads: 1 });
      copy = await openCheckpoint(inFolder, { threads: 1 });
    });
    afterAll(() => Promise.all([file?.dispose(), copy?.dispose()]));

    it('is the same model', () => {
      const facts = ({ prediction, noise, latentScale, task, card }: DiffusionModel): object => ({
        prediction,
        noise,
        latentScale,
        task,
        family: card.family,
      });
      expect(facts(copy!)).toEqual(facts(file!));
    });

    it('computes exactly the same', async () => {
      const wave = (length: number): Float32Array =>
        Float32Array.from({ length }, (_, at) => Math.sin(at * at));
      const end = name.startsWith('tiny') ? 49_407 : 499;
      const ids = new Int32Array(77).fill(end).map((id, at) => (at < 9 ? 3 * at + 1 : id));
      const conditioning = await copy!.encodeText(ids);
      same.exact(conditioning, await file!.encodeText(ids));
      const x: Latents = { data: wave(4 * 256), dims: [1, 4, 16, 16] };
      same.exact(await copy!.predict(x, 300, conditioning), await file!.predict(x, 300, conditioning));
      same.exact(await copy!.decode(x), await file!.decode(x));
      const pixels = { data: wave(3 * 64 * 64), height: 64, width: 64 };
      same.exact(await copy!.encodeImage(pixels), await file!.encodeImage(pixels));
    });

    it('lends its VAE alone', async () => {
      const model = await openCheckpoint(path(), {
        threads: 1,
        vae: join(above, `${name}-diffusers`, 'vae'),
      });
      const x: Latents = { data: new Float32Array(4 * 64).map((_, at) => Math.sin(at)), dims: [1, 4, 8, 8] };
      const alone = new Comparison('VAEs', `Decoder, the folder of ${family} by itself`, origin);
      alone.exact(await model.decode(x), await file!.decode(x));
      await model.dispose();
    });
  },
);
