import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { inpaint } from '../../../engine/src/pipelines/inpaint.ts';
import type { GreyImage } from '../../../engine/src/pixels/image.ts';
import { goldenPath, hasGoldens, type GoldenTensor } from '../diffusion/goldens.ts';
import { GoldenRuns, type Run } from './golden-runs.ts';

/** A picture's mask that has this mask of latents. */
function pictureMask({ data, shape }: GoldenTensor): GreyImage {
  const [height, width] = [8 * shape[2]!, 8 * shape[3]!];
  const at = (i: number) =>
    data[Math.floor(Math.floor(i / width) / 8) * shape[3]! + Math.floor((i % width) / 8)]!;
  return { data: Uint8Array.from({ length: width * height }, (_, i) => 255 * at(i)), width, height };
}

describe.skipIf(!hasGoldens).each([
  { family: 'sd1', file: 'tiny-sd1.safetensors', count: 5 },
  { family: 'inpaint', file: 'tiny-inpaint.ckpt', count: 3 },
])('inpainting with $file', ({ family, file, count }) => {
  let model: DiffusionModel;
  beforeAll(async () => {
    model = await openCheckpoint(goldenPath(`checkpoints/${file}`), { threads: 1 });
  });
  afterAll(() => model.dispose());

  const goldens = hasGoldens ? new GoldenRuns(family) : null;
  const mine = goldens?.runs.filter(({ kind }) => kind.startsWith('inpaint')) ?? [];

  const maskOf = (run: Run) =>
    run.engine === 'webui' ? pictureMask(goldens!.tensor(`${run.id}.mask`)) : goldens!.mask(run.mask!);

  it.each(mine)('draws $id', async (run) => {
    const [image, mask] = [await goldens!.image(run.init!), await maskOf(run)];
    const request = {
      ...goldens!.request(run),
      ...{ image, mask, maskBlur: 0, isKeptExactly: false },
      ...(run.kind === 'inpaint-legacy' && { keptNoise: 'legacy' as const }),
    };
    await goldens!.expectSame(run, inpaint(model, request));
  });

  it('covers every run', () => {
    expect(mine).toHaveLength(count);
  });
});
