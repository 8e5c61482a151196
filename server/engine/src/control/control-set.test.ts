import { describe, expect, it } from 'vitest';
import type { Latents } from '../diffusion/latents.ts';
import type { ControlNet, T2iAdapter } from '../families/control-models.ts';
import { controlsOf } from './control-set.ts';
import type { AdapterUnit, ControlNetUnit, ControlStep, ImagePromptUnit } from './controls.ts';

const filled = (value: number): Latents => ({ data: Float32Array.of(value), dims: [1, 1, 1, 1] });

/** A ControlNet that answers with its hint's first pixel, and counts what it is asked for. */
class CountingNet implements ControlNet {
  readonly family = 'sd1';
  readonly skips = 1;
  readonly factor = 8;
  readonly isPooled: boolean = false;
  hints = 0;
  evaluations = 0;

  encodeHint(hint: { data: Float32Array }): Promise<Latents> {
    this.hints += 1;
    return Promise.resolve(filled(hint.data[0] ?? 0));
  }
  evaluate({ hint }: { hint: Latents }) {
    this.evaluations += 1;
    return Promise.resolve({ skips: [hint], middle: hint });
  }
  dispose(): Promise<void> {
    return Promise.resolve();
  }
}

const hint = (value: number) => (height: number, width: number) => ({
  data: new Float32Array(3 * height * width).fill(value),
  height,
  width,
});
const unitOf = (network: ControlNet, settings: Partial<ControlNetUnit> = {}): ControlNetUnit => ({
  kind: 'controlnet',
  network,
  hint: hint(1),
  ...settings,
});
const step = (stepIndex = 0, changes: Partial<ControlStep> = {}): ControlStep => ({
  stepIndex,
  steps: 4,
  isUncond: false,
  x: filled(0),
  timestep: 500,
  context: { data: new Float32Array(77), dims: [1, 77, 1] },
  ...changes,
});

describe('what guides a step', () => {
  it('is nothing where there is nothing', async () => {
    expect(await controlsOf([], 'webui').guidesFor(step())).toEqual({});
  });

  it('adds up several ControlNets', async () => {
    const nets = [new CountingNet(), new CountingNet()] as const;
    const units = [unitOf(nets[0], { weight: 2 }), unitOf(nets[1], { hint: hint(10), start: 0.5 })];
    const controls = controlsOf(units, 'diffusers');
    expect((await controls.guidesFor(step(0))).control?.middle).toEqual(filled(2));
    expect((await controls.guidesFor(step(2))).control?.middle).toEqual(filled(12));
    expect([nets[0].evaluations, nets[1].evaluations]).toEqual([2, 1]);
  });

  it('encodes a hint once for each size of picture, and again after a failure', async () => {
    const net = new CountingNet();
    let asked = 0;
    const controls = controlsOf(
      [
        unitOf(net, {
          hint: (height, width) => {
            asked += 1;
            if (asked === 1) throw new Error('no picture');
            return hint(1)(height, width);
          },
        }),
      ],
      'webui',
    );
    await expect(controls.guidesFor(step(0))).rejects.toThrow('no picture');
    for (const index of [0, 1, 2]) await controls.guidesFor(step(index));
    expect([asked, net.hints]).toEqual([2, 1]);
    await controls.guidesFor(step(0, { x: { data: new Float32Array(4), dims: [1, 1, 2, 2] } }));
    expect([asked, net.hints]).toEqual([3, 2]);
  });

  it('leaves the negative prompt alone where the control counts more', async () => {
    for (const settings of [{ mode: 'control' }, { mode: 'guess' }, { isPooled: true }] as const) {
      const net = new CountingNet();
      const controls = controlsOf([unitOf(net, settings)], 'webui');
      expect(await controls.guidesFor(step(0, { isUncond: true }))).toEqual({});
      expect(net.evaluations).toBe(0);
      expect((await controls.guidesFor(step(0))).control).toBeDefined();
    }
  });

  it('takes weights of layers as they are given', async () => {
    const unit = unitOf(new CountingNet(), { layerWeights: [3, 4], mode: 'prompt' });
    const { control } = await controlsOf([unit], 'webui').guidesFor(step());
    expect(control).toEqual({ skips: [filled(3)], middle: filled(4) });
  });

  it('needs a weight for each layer, and a hint of the size that was asked for', async () => {
    const expectRefused = (settings: Partial<ControlNetUnit>): Promise<void> =>
      expect(
        controlsOf([unitOf(new CountingNet(), settings)], 'webui').guidesFor(step()),
      ).rejects.toMatchObject({
        code: 'invalid-request',
      });
    await expectRefused({ layerWeights: [1] });
    await expectRefused({ hint: () => hint(1)(8, 16) });
  });

  it('adds the features of adapters, and makes them once', async () => {
    let made = 0;
    const network: T2iAdapter = {
      factor: 8,
      features: () => {
        made += 1;
        return Promise.resolve([filled(1), filled(2)]);
      },
      dispose: () => Promise.resolve(),
    };
    const unit: AdapterUnit = { kind: 'adapter', network, hint: hint(0), weight: 0.5 };
    const controls = controlsOf([unit, { ...unit, weight: 1 }], 'webui');
    for (const index of [0, 1]) {
      const { features } = await controls.guidesFor(step(index));
      expect(features).toEqual([filled(1.5), filled(3)]);
    }
    expect(made).toBe(2); // once for each of the two
  });

  it('gives image prompts their tokens and their weight, 0 where they do not act', async () => {
    const tokens = (value: number) => ({ data: Float32Array.of(value, value), dims: [1, 2, 1] });
    const unit: ImagePromptUnit = {
      kind: 'image-prompt',
      index: 1,
      tokens: { cond: tokens(5), uncond: tokens(6) },
      weight: 0.75,
      end: 0.5,
    };
    const controls = controlsOf([unit], 'diffusers');
    const x: Latents = { data: new Float32Array(2), dims: [2, 1, 1, 1] };
    expect(await controls.guidesFor(step(0, { x }))).toEqual({
      inputs: {
        image_prompt1: { data: Float32Array.of(5, 5, 5, 5), dims: [2, 2, 1] },
        image_prompt1_weight: { data: Float32Array.of(0.75), dims: [1] },
      },
    });
    const { inputs } = await controls.guidesFor(step(2, { isUncond: true }));
    expect(inputs?.image_prompt1?.data).toEqual(Float32Array.of(6, 6));
    expect(inputs?.image_prompt1_weight?.data).toEqual(Float32Array.of(0));
  });

  it.each([
    { start: 0.5, end: 0.25 },
    { start: -0.1 },
    { end: 1.5 },
    { weight: Number.NaN },
    { start: Number.NaN },
  ])('is refused with settings that make no sense: %o', (settings) => {
    expect(() => controlsOf([unitOf(new CountingNet(), settings)], 'webui')).toThrow(
      expect.objectContaining({ code: 'invalid-request' }),
    );
  });
});
