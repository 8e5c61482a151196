import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeCheckpoint } from '../../../../bench/full-size-checkpoint.mjs';
import { loraLayout } from '../../../../bench/full-size-lora.mjs';
import { sd1Layout } from '../../../../bench/layouts.mjs';
import type { Latents } from '../../../engine/src/diffusion/latents.ts';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { openLora } from '../../../engine/src/families/open-lora.ts';
import { SessionCache } from '../../../engine/src/onnx/session-cache.ts';
import type { LoraUse } from '../../../engine/src/patches/patch-networks.ts';
import { CHECKPOINTS, writeCheckpoints } from '../../fixtures/networks/write-checkpoints.mjs';
import { maxDifference } from '../diffusion/goldens.ts';
import { Comparison, fixture } from '../report/measure.ts';
import { openReferences, type References } from './tensors.ts';

// The same changes two ways, folded and live; what each kind comes to is checked in patches/patches.test.ts.
const TOLERANCE = 5e-5;
const compared = new Comparison('Changes to a checkpoint', 'LoRA, live', fixture('the same LoRA, folded'));

let folder: string;
let references: References;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-loras-'));
  await writeCheckpoints(folder);
  const layout = sd1Layout(CHECKPOINTS.linear) as { name: string; shape: number[] }[];
  for (const hasConvolutions of [false, true]) {
    const path = join(folder, hasConvolutions ? 'all.safetensors' : 'matrices.safetensors');
    await writeCheckpoint(path, loraLayout(layout, { rank: 4, hasConvolutions }), { dtype: 'F16' });
  }
  references = await openReferences(
    fileURLToPath(new URL('../../fixtures/networks/expected.safetensors', import.meta.url)),
  );
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function opened(
  uses: readonly Omit<LoraUse, 'lora'>[],
  file: 'all' | 'matrices' = 'all',
  cache?: SessionCache,
): Promise<DiffusionModel> {
  const lora = await openLora(join(folder, `${file}.safetensors`));
  return openCheckpoint(join(folder, 'linear.safetensors'), {
    threads: 1,
    loras: uses.map((use) => ({ lora, ...use })),
    ...(cache === undefined ? {} : { cache }),
  });
}

async function denoised(model: DiffusionModel): Promise<Float32Array> {
  const context = references.floats('linear.unet.0.context').data;
  const sample: Latents = references.planes('linear.unet.0.sample');
  return (await model.predict(sample, 500, { data: context, dims: [1, 77, 32] })).data;
}
const encoded = async (model: DiffusionModel): Promise<Float32Array> =>
  (await model.encodeText(references.ids('linear.text.ids'))).data;

describe('a LoRA', () => {
  it('does the same folded and live, to the UNet and to the text encoder, at strengths of their own', async () => {
    const [folded, live] = await Promise.all([
      opened([{ unet: 0.8, text: -0.5, mode: 'folded' }]),
      opened([{ unet: 0.8, text: -0.5, mode: 'live' }]),
    ]);
    for (const result of [denoised, encoded]) {
      compared.close(await result(live), await result(folded), TOLERANCE);
    }
    expect(
      maxDifference(await denoised(folded), references.floats('linear.unet.0.out').data),
    ).toBeGreaterThan(0.1);
    expect(folded.loras[0]).toMatchObject({ name: 'all.safetensors', unmatched: [], live: null });
    await Promise.all([folded.dispose(), live.dispose()]);
  });

  it('that is live changes its strength between runs, down to nothing', async () => {
    const model = await opened([{ unet: 0.8, text: 0.8, mode: 'live' }]);
    const live = model.loras[0]!.live!;
    const first = await denoised(model);
    live.unet.value = 0;
    live.text.value = 0;
    const none = await denoised(model);
    expect(maxDifference(none, references.floats('linear.unet.0.out').data)).toBeLessThan(2e-5);
    expect(maxDifference(await encoded(model), references.floats('linear.text.skip1').data)).toBeLessThan(
      5e-5,
    );
    live.unet.value = 0.8;
    expect(await denoised(model)).toEqual(first);
    await model.dispose();
  });

  it('adds to those before it, however each is used', async () => {
    const uses = [
      { unet: 0.5, text: 0.5 },
      { unet: 0.3, text: 0.3 },
    ];
    const once = await opened([{ unet: 0.8, text: 0.8, mode: 'folded' }]);
    const both = await opened(uses.map((use, index) => ({ ...use, mode: index === 0 ? 'live' : 'folded' })));
    compared.close(await denoised(both), await denoised(once), TOLERANCE);
    await Promise.all([once.dispose(), both.dispose()]);
  });

  it('is live where that is cheap: where it changes matrices alone', async () => {
    const [matrices, all] = await Promise.all([
      opened([{ unet: 1, text: 1 }], 'matrices'),
      opened([{ unet: 1, text: 1 }], 'all'),
    ]);
    expect(matrices.loras[0]?.live).toMatchObject({ unet: { value: 1 } });
    expect(all.loras[0]?.live).toBeNull();
    await Promise.all([matrices.dispose(), all.dispose()]);
  });

  it('keeps its own strength where models share what is loaded', async () => {
    const cache = new SessionCache();
    const one = await opened([{ unet: 0.8, text: 0.8, mode: 'live' }], 'all', cache);
    const other = await opened([{ unet: 0, text: 0, mode: 'live' }], 'all', cache);
    const first = await denoised(one);
    expect(maxDifference(await denoised(other), references.floats('linear.unet.0.out').data)).toBeLessThan(
      2e-5,
    );
    expect(await denoised(one)).toEqual(first);
    await cache.dispose();
  });

  it('for another model is refused, naming both', async () => {
    const lora = await openLora(join(folder, 'all.safetensors'));
    await expect(
      openCheckpoint(join(folder, 'levels.safetensors'), { loras: [{ lora, unet: 1, text: 1 }] }),
    ).rejects.toThrow(
      /"all.safetensors" does not fit "levels.safetensors" \(Stable Diffusion 1.x\): .* 32 x/,
    );
  });
});
