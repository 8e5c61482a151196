import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { loraTargets } from '../../../engine/src/naming/lora-targets.ts';
import { openClipToTransformers } from '../../../engine/src/naming/open-clip-names.ts';
import { diffusersToLdmUnet, ldmToDiffusersUnet } from '../../../engine/src/naming/unet-names.ts';
import { diffusersToLdmVae, ldmToDiffusersVae } from '../../../engine/src/naming/vae-names.ts';
import { openDiffusersFolder } from '../../../engine/src/weights/diffusers-folder.ts';
import { openSafetensors } from '../../../engine/src/weights/safetensors.ts';
import type { TensorInfo, WeightSource } from '../../../engine/src/weights/weight-source.ts';
import { Weights } from '../../../engine/src/weights/weights.ts';
import { goldenPath, hasGoldens } from '../diffusion/goldens.ts';
import { openReferences } from '../networks/tensors.ts';
import { Comparison, golden } from '../report/measure.ts';

const SINGLE = golden('the single file of the same model');
const compared = (feature: string): Comparison => new Comparison('Weight files', feature, SINGLE);
const UNET = 'model.diffusion_model.';
const VAE = 'first_stage_model.';
const open = (name: string): Promise<WeightSource> =>
  openSafetensors(goldenPath(`checkpoints/${name}.safetensors`));
const below = (source: WeightSource, prefix: string): string[] =>
  [...source.tensors.keys()]
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
const bytesOf = ({ file, offset, byteLength }: TensorInfo): Buffer =>
  readFileSync(file).subarray(offset, offset + byteLength);

describe.skipIf(!hasGoldens)('names of whole checkpoints', () => {
  it.each(['tiny-sd1', 'tiny-sd2', 'tiny-sdxl', 'tiny-depth'])(
    '%s: go to diffusers and back',
    async (name) => {
      const source = await open(name);
      const unet = below(source, UNET);
      const there = ldmToDiffusersUnet(unet);
      expect([...there.keys()]).toEqual(unet);
      expect([...diffusersToLdmUnet(there.values()).values()]).toEqual(unet);
      const vae = below(source, VAE);
      const [half, back] = [ldmToDiffusersVae(vae), diffusersToLdmVae(ldmToDiffusersVae(vae).values())];
      expect([...half.keys()]).toEqual(vae);
      expect([...back.values()]).toEqual(vae);
      expect(Math.min(unet.length, vae.length)).toBeGreaterThan(200);
    },
  );

  it('of a ControlNet and a VAE too', async () => {
    const control = below(await open('tiny-sd1-controlnet'), 'control_model.');
    expect([...diffusersToLdmUnet(ldmToDiffusersUnet(control).values()).values()]).toEqual(control);
    const vae = below(await open('tiny-b.vae'), '');
    expect([...diffusersToLdmVae(ldmToDiffusersVae(vae).values()).values()]).toEqual(vae);
  });
});

describe.skipIf(!hasGoldens)('LoRA files', () => {
  const module = (name: string): string =>
    name.replace(/\.(lora_(up|down|mid|A|B)\.weight|alpha|hada_\w+|lokr_\w+)$/, '');
  const modulesOf = async (name: string): Promise<string[]> => [
    ...new Set([...(await open(name)).tensors.keys()].map(module)),
  ];

  it.each(['lora', 'lora-conv', 'lora-mid', 'loha', 'lokr', 'lora-peft'])(
    'tiny-sd1-%s: every module is known',
    async (kind) => {
      const source = await open('tiny-sd1');
      const text = new Weights(source, 'cond_stage_model.transformer.text_model.');
      const targets = loraTargets({ unet: new Weights(source, UNET), textEncoders: [text] });
      const modules = await modulesOf(`tiny-sd1-${kind}`);
      expect(modules.filter((name) => !source.tensors.has(`${targets.get(name)}.weight`))).toEqual([]);
      expect(modules.length).toBeGreaterThan(20);
    },
  );

  it('tiny-sdxl-lora: every module is known', async () => {
    const source = await open('tiny-sdxl');
    const second = openClipToTransformers(source, 'conditioner.embedders.1.model.');
    const textEncoders = [
      new Weights(source, 'conditioner.embedders.0.transformer.text_model.'),
      new Weights(second, 'text_model.'),
    ];
    const targets = loraTargets({ unet: new Weights(source, UNET), textEncoders });
    const modules = await modulesOf('tiny-sdxl-lora');
    expect(modules.filter((name) => !targets.has(name))).toEqual([]);
    expect(modules.length).toBeGreaterThan(100);
  });
});

describe.skipIf(!hasGoldens)('the tiny SD 1.x model as a diffusers folder', () => {
  let folder: DiffusionModel;
  let file: DiffusionModel;
  beforeAll(async () => {
    folder = await openCheckpoint(goldenPath('checkpoints/tiny-sd1-diffusers'), { threads: 1 });
    file = await openCheckpoint(goldenPath('checkpoints/tiny-sd1.safetensors'), { threads: 1 });
  });
  afterAll(() => Promise.all([folder.dispose(), file.dispose()]));

  it('has the weights of the single file, under the same names', async () => {
    const single = await open('tiny-sd1');
    const { source } = await openDiffusersFolder(goldenPath('checkpoints/tiny-sd1-diffusers'));
    const networks = [UNET, VAE, 'cond_stage_model.'];
    const expected = [...single.tensors.keys()].filter(
      (name) => networks.some((prefix) => name.startsWith(prefix)) && !name.endsWith('.position_ids'),
    );
    expect([...source.tensors.keys()].sort()).toEqual(expected.sort());
    for (const name of expected) {
      const [one, other] = [source, single].map(({ tensors }) => bytesOf(tensors.get(name) as TensorInfo));
      compared('Diffusers folder, SD 1.x: weights').exact(one?.equals(other as Buffer), true, name);
    }
  });

  it('computes exactly the same', async () => {
    const same = compared('Diffusers folder, SD 1.x: every network');
    const texts = await openReferences(goldenPath('families/sd1/text.safetensors'));
    const ids = texts.ids('p0.ids');
    const conditioning = await folder.encodeText(ids, 2);
    same.exact(conditioning, await file.encodeText(ids, 2));
    const sample = (await openReferences(goldenPath('families/sd1/unet.safetensors'))).planes('0.sample');
    const x = {
      data: sample.data.slice(0, sample.data.length / sample.dims[0]),
      dims: [1, ...sample.dims.slice(1)],
    } as typeof sample;
    same.exact(await folder.predict(x, 500, conditioning), await file.predict(x, 500, conditioning));
    same.exact(await folder.decode(x), await file.decode(x));
    const pixels = {
      data: new Float32Array(3 * 64 * 64).map((_, at) => Math.sin(at)),
      height: 64,
      width: 64,
    };
    same.exact(await folder.encodeImage(pixels), await file.encodeImage(pixels));
    expect([folder.prediction, folder.noise, folder.latentScale]).toEqual([
      file.prediction,
      file.noise,
      file.latentScale,
    ]);
  });
});
