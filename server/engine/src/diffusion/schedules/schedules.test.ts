import { describe, expect, it } from 'vitest';
import { incompleteBeta, inverseIncompleteBeta } from './incomplete-beta.ts';
import { scheduleEntries } from './index.ts';
import { NoiseLevels, scaledLinear } from './noise-levels.ts';
import { compvisTimesteps, leadingTimesteps } from './timesteps.ts';

const levels = new NoiseLevels(scaledLinear());

describe.each(scheduleEntries)('schedule $name', ({ name, sigmas }) => {
  // As the programs have them whose pictures we want to make again.
  const endsAboveZero = name === 'KL Optimal';
  const countsItsOwn = name === 'DDIM';
  const startsLow = countsItsOwn || name.startsWith('Align Your Steps');

  it.each([1, 2, 3, 7, 20, 150])('falls to the end in %i steps', (steps) => {
    const walk = sigmas(steps, levels);
    if (!countsItsOwn) expect(walk).toHaveLength(steps + 1);
    if (!startsLow) expect(walk[0]).toBeCloseTo(levels.sigmaMax, 4);
    expect(walk[0]).toBeLessThan(levels.sigmaMax * 1.001);
    expect(walk.at(-1)).toBeCloseTo(endsAboveZero ? levels.sigmaMin : 0, 6);
    walk.slice(1).forEach((sigma, i) => expect(sigma).toBeLessThan(walk[i]));
    expect(walk.every(Number.isFinite)).toBe(true);
  });
});

describe('incompleteBeta', () => {
  it('is the arc sine law for a = b = 1/2 and the identity for a = b = 1', () => {
    for (const x of [0, 1e-9, 0.1, 0.5, 0.77, 0.999999, 1]) {
      expect(incompleteBeta(x, 0.5, 0.5)).toBeCloseTo((2 / Math.PI) * Math.asin(Math.sqrt(x)), 12);
      expect(incompleteBeta(x, 1, 1)).toBeCloseTo(x, 12);
      expect(incompleteBeta(x, 2, 1)).toBeCloseTo(x * x, 12);
    }
  });

  it('is undone by its inverse', () => {
    for (const share of [0, 0.001, 0.3, 0.9, 1]) {
      expect(incompleteBeta(inverseIncompleteBeta(share, 0.6, 0.9), 0.6, 0.9)).toBeCloseTo(share, 12);
    }
  });
});

describe('NoiseLevels', () => {
  it('reaches from 0.029 to 14.6 for the table of Stable Diffusion', () => {
    expect(levels.sigmaMin).toBeCloseTo(0.0292, 4);
    expect(levels.sigmaMax).toBeCloseTo(14.6146, 4);
  });

  it('finds timesteps of noise levels and back', () => {
    for (const timestep of [0, 0.25, 1, 17.5, 500, 998.75, 999]) {
      expect(levels.timestepOf(levels.sigmaOf(timestep))).toBeCloseTo(timestep, 3);
    }
  });

  it('stays within the table for levels beyond its ends', () => {
    expect(levels.timestepOf(1e-6)).toBe(0);
    expect(levels.timestepOf(1000)).toBe(999);
  });
});

describe('timesteps', () => {
  it('are evenly spaced and end at 1', () => {
    expect(compvisTimesteps(4)).toEqual([751, 501, 251, 1]);
    expect(leadingTimesteps(4)).toEqual([751, 501, 251, 1]);
  });

  it('are too many in the one way and exactly as many as steps in the other where 1000 does not divide', () => {
    expect(compvisTimesteps(30)).toHaveLength(31);
    expect(leadingTimesteps(30)).toHaveLength(30);
  });

  it.each([1, 999, 1000])('stay within 1…999 for %i steps', (steps) => {
    for (const list of [compvisTimesteps(steps), leadingTimesteps(steps)]) {
      expect(Math.min(...list)).toBe(1);
      expect(Math.max(...list)).toBeLessThanOrEqual(1000);
    }
  });
});
