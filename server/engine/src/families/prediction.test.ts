import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WeightSource } from '../weights/weight-source.ts';
import { readTraining } from './prediction.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-training-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
let files = 0;

/** A file with these tensors and metadata, and a configuration beside it. */
function fileWith(names: readonly string[], metadata: Record<string, string>, yaml?: string): WeightSource {
  const stem = join(folder, `${files++}`);
  if (yaml !== undefined) writeFileSync(`${stem}.yaml`, yaml);
  const source: Partial<WeightSource> = {
    path: `${stem}.safetensors`,
    metadata: new Map(Object.entries(metadata)),
    tensors: new Map(names.map((name) => [name, {} as never])),
  };
  return source as WeightSource;
}

describe('what a model predicts', () => {
  it.each([
    [['v_pred'], {}, undefined, 'v'],
    [[], { 'modelspec.prediction_type': 'v' }, undefined, 'v'],
    [[], { 'modelspec.prediction_type': 'V_Prediction' }, undefined, 'v'],
    [[], { 'modelspec.prediction_type': 'epsilon' }, undefined, 'epsilon'],
    [[], {}, 'model:\n  params:\n    parameterization: "v"\n', 'v'],
    [['v_pred'], {}, 'model: { params: { parameterization: eps } }', 'epsilon'],
    [[], {}, undefined, null],
    [[], {}, 'model: [', null],
    [[], {}, 'model: 3', null],
    [[], {}, `model: { params: { parameterization: v, x: "${'x'.repeat(300_000)}" } }`, null],
  ] as const)('follows from %j, %j and a configuration', async (names, metadata, yaml, expected) => {
    expect((await readTraining(fileWith(names, metadata, yaml))).prediction).toBe(expected);
  });
});

it('takes the noise from the configuration, and its end from a mark', async () => {
  const yaml = 'model: { params: { linear_start: 0.001, linear_end: 0.02 } }';
  expect((await readTraining(fileWith(['ztsnr'], {}, yaml))).noise).toEqual({
    betaStart: 0.001,
    betaEnd: 0.02,
    isZeroTerminal: true,
  });
  expect((await readTraining(fileWith([], {}, 'model: { params: { linear_start: -1 } }'))).noise).toEqual({
    betaStart: 0.00085,
    betaEnd: 0.012,
    isZeroTerminal: false,
  });
});
