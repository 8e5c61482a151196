import { beforeAll, describe, expect, it } from 'vitest';
import { givenInputs } from '../../../engine/src/families/text-tower.ts';
import { clipText } from '../../../engine/src/networks/clip-text.ts';
import { unet } from '../../../engine/src/networks/unet.ts';
import { liveInputs, Session } from '../../../engine/src/onnx/session.ts';
import { readLora } from '../../../engine/src/patches/lora.ts';
import { patchNetworks, type LoraUse } from '../../../engine/src/patches/patch-networks.ts';
import { openSafetensors } from '../../../engine/src/weights/safetensors.ts';
import { Weights } from '../../../engine/src/weights/weights.ts';
import { goldenPath, hasGoldens } from '../diffusion/goldens.ts';
import { Comparison, golden } from '../report/measure.ts';
import { openReferences, type References } from './tensors.ts';

// Reference: torch 2.13.0 on the CPU, float32, with the weights merged; the tolerance is stated with the goldens.
const TOLERANCE = 5e-5;
const KINDS: Record<string, string> = {
  lora: 'LoRA, kohya',
  'lora-peft': 'LoRA, PEFT',
  'lora-conv': 'LoRA of convolutions',
  'lora-mid': 'LoRA with a middle (Tucker)',
  loha: 'LoHa',
  lokr: 'LoKr',
};
const row = (feature: string): Comparison =>
  new Comparison('Changes to a checkpoint', feature, golden('diffusers 0.42.1, weights merged'));
const lora = async (name: string) =>
  readLora(await openSafetensors(goldenPath(`checkpoints/tiny-sd1-${name}.safetensors`)));

describe.skipIf(!hasGoldens)('changes to the tiny SD 1.x checkpoint:', () => {
  let references: References;
  let unetWeights: Weights;
  let textWeights: Weights;
  beforeAll(async () => {
    references = await openReferences(goldenPath('families/sd1/networks.safetensors'));
    const source = await openSafetensors(goldenPath('checkpoints/tiny-sd1.safetensors'));
    unetWeights = new Weights(source, 'model.diffusion_model.');
    textWeights = new Weights(source, 'cond_stage_model.transformer.text_model.');
  });

  async function expectAgrees(uses: LoraUse[], key: string, feature: string): Promise<void> {
    const { networks, applied } = patchNetworks({ unet: unetWeights, textEncoders: [textWeights] }, uses, {
      name: 'tiny',
      title: 'Stable Diffusion 1.x',
    });
    for (const { unmatched } of applied) expect(unmatched).toEqual([]);
    const changed = unet(networks.unet!, { heads: { heads: 8 } });
    const denoiser = await Session.open('UNet', changed, { threads: 1 });
    const { sample, timestep, context } = {
      sample: references.floats('sample'),
      timestep: references.floats('timestep'),
      context: references.floats('context'),
    };
    const nothing = { data: new Float32Array(1), dims: [1, 1, 1, 1] };
    const guides = Object.fromEntries([
      ...Array.from({ length: changed.skips }, (_, index) => [`control${index}`, nothing] as const),
      ...changed.features.map((_, index) => [`feature${index}`, nothing] as const),
      ['control_mid', nothing] as const,
    ]);
    const out = await denoiser.runOne(
      { sample, timestep, context, ...guides, ...liveInputs(changed) },
      'out',
    );
    const tower = clipText(networks.textEncoders![0]!);
    const text = await Session.open('text encoder', tower, { threads: 1 });
    const encoded = await text.runOne(
      {
        tokens: { data: references.ids('ids'), dims: [1, 77] },
        ...givenInputs([], tower.width),
        ...liveInputs(tower),
      },
      'skip1',
    );
    row(feature).close(out.data, references.floats(`${key}.unet`).data, TOLERANCE, `${feature}: UNet`);
    row(feature).close(encoded.data, references.floats(`${key}.text`).data, TOLERANCE, `${feature}: text`);
    await Promise.all([denoiser.dispose(), text.dispose()]);
  }

  const cases = ['lora', 'lora-peft', 'lora-conv', 'lora-mid', 'loha', 'lokr'].flatMap((name) =>
    [0.8, -0.5].map((weight) => ({ name, weight })),
  );

  it.each(cases)('$name at $weight, folded', async ({ name, weight }) => {
    const use = { lora: await lora(name), unet: weight, text: weight, mode: 'folded' } as const;
    await expectAgrees([use], `${name}@${weight}`, `${KINDS[name]}, folded`);
  });

  // Some of what its LoKr changes is too large to be computed in each run.
  it.each(cases.filter(({ name }) => name !== 'lokr'))('$name at $weight, live', async ({ name, weight }) => {
    const use = { lora: await lora(name), unet: weight, text: weight, mode: 'live' } as const;
    await expectAgrees([use], `${name}@${weight}`, `${KINDS[name]}, live`);
  });

  it.each(['folded', undefined] as const)('two files at once, %s', async (mode) => {
    const uses = [
      { lora: await lora('lora'), unet: 0.7, text: 0.7 },
      { lora: await lora('lokr'), unet: 0.4, text: 0.4 },
    ].map((use) => ({ ...use, ...(mode === undefined ? {} : { mode }) }));
    await expectAgrees(uses, 'lora@0.7+lokr@0.4', 'LoRA and LoKr at once');
  });
});
