import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DiffusionModel, PixelPlanes } from '../../../engine/src/families/diffusion-model.ts';
import { openAdapter } from '../../../engine/src/families/open-adapter.ts';
import { openCheckpoint } from '../../../engine/src/families/open-checkpoint.ts';
import { openControlNet } from '../../../engine/src/families/open-control.ts';
import { sumOfControls, sumOfFeatures } from '../../../engine/src/control/sum-of-controls.ts';
import { goldenPath, hasGoldens } from '../diffusion/goldens.ts';
import { openReferences, type References } from '../networks/tensors.ts';
import { Comparison, golden } from '../report/measure.ts';

// Reference: torch 2.13.0 on the CPU, diffusers 0.42.1, float32, with the stored fp16 weights.
const TOLERANCE = 2e-5;
const compared = (feature: string): Comparison =>
  new Comparison('Control', feature, golden('diffusers 0.42.1'));

interface Case {
  readonly case: number;
  readonly scale: number;
  readonly timestep: number;
}

describe.skipIf(!hasGoldens)('what guides the tiny SD 1.x checkpoint:', () => {
  let model: DiffusionModel;
  let references: References;
  let cases: readonly Case[];
  beforeAll(async () => {
    model = await openCheckpoint(goldenPath('checkpoints/tiny-sd1.safetensors'), { threads: 1 });
    references = await openReferences(goldenPath('families/sd1/control.safetensors'));
    ({ cases } = JSON.parse(readFileSync(goldenPath('families/sd1/control.json'), 'utf8')) as {
      cases: Case[];
    });
  });
  afterAll(() => model.dispose());

  const hintOf = (index: number): PixelPlanes => {
    const { data, dims } = references.planes(`${index}.hint`);
    return { data, height: dims[2], width: dims[3] };
  };
  const stepOf = ({ case: index, timestep }: Case) => {
    const { data, dims } = references.floats(`${index}.context`);
    const context = { data, dims: [1, dims[1] ?? 0, dims[2] ?? 0] as const };
    return { x: references.planes(`${index}.sample`), timestep, context };
  };

  it('ControlNet, and the UNet with it', async () => {
    const control = await openControlNet(goldenPath('checkpoints/tiny-sd1-controlnet.safetensors'), {
      threads: 1,
    });
    expect(control).toMatchObject({ family: 'sd1', skips: 12, factor: 8 });
    expect(cases.length).toBeGreaterThan(0);
    for (const entry of cases) {
      const { case: index, scale } = entry;
      const step = stepOf(entry);
      const hint = await control.encodeHint(hintOf(index));
      const made = await control.evaluate({ ...step, hint });
      const sum = sumOfControls([{ residuals: made, weights: new Array<number>(13).fill(scale) }])!;
      [...sum.skips, sum.middle].forEach((residual, at) => {
        const expected = references.planes(`${index}.${at === 12 ? 'mid' : `down${at}`}`);
        expect(residual.dims).toEqual(expected.dims);
        compared('ControlNet, SD 1.x').close(residual.data, expected.data, TOLERANCE);
      });
      const out = await model.predict(step.x, step.timestep, step.context, { control: sum });
      const expected = references.planes(`${index}.out`);
      compared('ControlNet, UNet with it').close(out.data, expected.data, TOLERANCE);
    }
    await control.dispose();
  });

  it('T2I-Adapter, and the UNet with it', async () => {
    const adapter = await openAdapter(goldenPath('checkpoints/tiny-sd1-t2iadapter.safetensors'), {
      threads: 1,
    });
    expect(adapter.factor).toBe(8);
    for (const entry of cases) {
      const { case: index, scale } = entry;
      const step = stepOf(entry);
      const features = await adapter.features(hintOf(index));
      features.forEach((feature, at) => {
        const expected = references.planes(`${index}.feature${at}`);
        expect(feature.dims).toEqual(expected.dims);
        compared('T2I-Adapter, full').close(feature.data, expected.data, TOLERANCE);
      });
      const sum = sumOfFeatures([{ features, weights: new Array<number>(4).fill(scale) }])!;
      const out = await model.predict(step.x, step.timestep, step.context, { features: sum });
      const expected = references.planes(`${index}.adapter_out`);
      compared('T2I-Adapter, UNet with it').close(out.data, expected.data, TOLERANCE);
    }
    await adapter.dispose();
  });
});
