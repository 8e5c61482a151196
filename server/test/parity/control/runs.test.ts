import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controlsOf } from '../../../engine/src/control/control-set.ts';
import type { ControlUnit } from '../../../engine/src/control/controls.ts';
import { hintFrom } from '../../../engine/src/control/hint.ts';
import type { ControlNet, T2iAdapter } from '../../../engine/src/families/control-models.ts';
import type { DiffusionModel } from '../../../engine/src/families/diffusion-model.ts';
import { openAdapter } from '../../../engine/src/families/open-adapter.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { openControlNet } from '../../../engine/src/families/open-control.ts';
import { textToImage } from '../../../engine/src/pipelines/text-to-image.ts';
import { goldenPath, hasGoldens } from '../diffusion/goldens.ts';
import { GoldenRuns, type Run } from '../pipelines/golden-runs.ts';

describe.skipIf(!hasGoldens)('whole pictures under control', () => {
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

  const goldens = hasGoldens ? new GoldenRuns('sd1') : null;
  const guided = goldens?.ofKind('control', 'adapter') ?? [];

  async function unitOf(run: Run): Promise<ControlUnit> {
    const picture = hintFrom(await goldens!.image(run.hint!));
    const hint = (height: number, width: number) => {
      expect([height, width]).toEqual([run.height, run.width]);
      return picture;
    };
    if (run.kind === 'adapter')
      return { kind: 'adapter', network: adapter, hint, weight: run.adapter_weight! };
    return {
      ...{ kind: 'controlnet', network, hint, weight: run.control_weight! },
      ...{ start: run.control_start!, end: run.control_end! },
      mode: run.guess_mode === true ? 'guess' : 'balanced',
    };
  }

  it.each(guided)('draws $id', async (run) => {
    const controls = controlsOf([await unitOf(run)], 'diffusers');
    await goldens!.expectSame(run, textToImage(model, goldens!.request(run), { controls }));
  });

  it('covers all of them', () => {
    expect(guided).toHaveLength(4);
  });
});
