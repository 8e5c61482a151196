import { describe, expect, it } from 'vitest';
import { actsOnUncond, adapterWeights, controlNetWeights } from './layer-weights.ts';

describe('weights of the layers', () => {
  it('are all the same when balanced', () => {
    expect(controlNetWeights('balanced', 0.6, 3)).toEqual([0.6, 0.6, 0.6]);
    expect(adapterWeights('balanced', 0.6, 4)).toEqual([0.6, 0.6, 0.6, 0.6]);
  });

  it('rise from a tenth to all in equal ratios when guessing', () => {
    const weights = controlNetWeights('guess', 2, 13);
    expect(weights[0]).toBeCloseTo(0.2, 12);
    expect(weights[6]).toBeCloseTo(2 * 10 ** -0.5, 12);
    expect(weights[12]).toBe(2);
    expect(controlNetWeights('guess', 1, 10)[9]).toBe(1);
  });

  it('fall by 0.825 for each layer from the middle up, counted from 13', () => {
    const weights = controlNetWeights('prompt', 1, 13);
    expect(weights[12]).toBe(1);
    expect(weights[11]).toBe(0.825);
    expect(weights[0]).toBeCloseTo(0.0994, 4);
    expect(controlNetWeights('control', 1, 13)).toEqual(weights);
    // SDXL has three layers less; the reference gives it the first ten.
    expect(controlNetWeights('prompt', 1, 10)).toEqual(weights.slice(0, 10));
    expect(adapterWeights('control', 2, 4)).toEqual([0.5, 1.24, 1.65, 2]);
  });

  it('are for both halves of the guidance where the prompt counts as much', () => {
    expect(['balanced', 'prompt', 'control', 'guess'].map((mode) => actsOnUncond(mode as 'guess'))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
