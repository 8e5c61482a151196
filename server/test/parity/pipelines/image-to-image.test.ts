import { afterAll, describe, expect, it } from 'vitest';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { imageToImage } from '../../../engine/src/pipelines/image-to-image.ts';
import { goldenPath, hasGoldens } from '../diffusion/goldens.ts';
import { GoldenRuns } from './golden-runs.ts';

describe.skipIf(!hasGoldens).each([
  { family: 'sd1', kind: 'img2img', count: 6 },
  { family: 'sdxl', kind: 'img2img', count: 1 },
  { family: 'depth', kind: 'depth2img', count: 2 },
])('image to image, $family', ({ family, kind, count }) => {
  let opened: Promise<DiffusionModel> | null = null;
  const model = () =>
    (opened ??= openCheckpoint(goldenPath(`checkpoints/tiny-${family}.safetensors`), { threads: 1 }));
  afterAll(async () => (await opened)?.dispose());

  const goldens = hasGoldens ? new GoldenRuns(family) : null;
  const mine = goldens?.ofKind(kind) ?? [];

  it.each(mine)('draws $id', async (run) => {
    const image = await goldens!.image(run.init!);
    const map = goldens!.tensors.get(`${run.id}.depth_map`);
    const depth = map && { data: map.data, height: map.shape[1]!, width: map.shape[2]! };
    const request = { ...goldens!.request(run), image, ...(depth && { depth }) };
    await goldens!.expectSame(run, imageToImage(await model(), request));
  });

  it('covers every run', () => {
    expect(mine).toHaveLength(count);
  });
});
