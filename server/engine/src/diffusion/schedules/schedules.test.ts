import { describe, expect, it } from 'vitest';
import { incompleteBeta, inverseIncompleteBeta } from './incomplete-beta.ts';
import { scheduleEntries } from './index.ts';
import { NoiseLevels, scaledLinear } from './noise-levels.ts';
import {
  allUniPcLevels,
  compvisTimesteps,
  distilledTimedLevels,
  distilledTimesteps,
  lastCompvisLevels,
  lastDistilledLevels,
  lastUniPcLevels,
  leadingTimesteps,
} from './timesteps.ts';

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

describe('schedules with other ends', () => {
  const asked = { sigmaMin: 0.1, sigmaMax: 10 };
  const byName = (name: string) => scheduleEntries.find((entry) => entry.name === name)!.sigmas;

  it.each(['Karras', 'Exponential', 'Polyexponential', 'Normal', 'Beta', 'KL Optimal'])(
    '%s keeps to them',
    (name) => {
      const walk = byName(name)(8, levels, asked);
      expect(walk[0]).toBeCloseTo(10, 3);
      expect(walk.at(name === 'KL Optimal' ? -1 : -2)).toBeCloseTo(0.1, 3);
      walk.slice(1).forEach((sigma, i) => expect(sigma).toBeLessThan(walk[i]));
    },
  );

  it.each(['Uniform', 'Simple', 'DDIM', 'Turbo', 'Align Your Steps'])(
    '%s pays no heed, as in the webui',
    (name) => {
      expect(byName(name)(8, levels, asked)).toEqual(byName(name)(8, levels));
    },
  );

  it('takes exponents and tables', () => {
    expect(byName('Karras')(8, levels, { rho: 3 })).not.toEqual(byName('Karras')(8, levels));
    expect(byName('Karras')(8, levels, { rho: 7 })).toEqual(byName('Karras')(8, levels));
    for (const name of [
      'Align Your Steps',
      'Align Your Steps 11',
      'Align Your Steps 32',
      'Align Your Steps GITS',
    ]) {
      const walk = byName(name)(9, levels, { isSdxl: true });
      expect(walk).not.toEqual(byName(name)(9, levels));
      walk.slice(1).forEach((sigma, i) => expect(sigma).toBeLessThan(walk[i]));
    }
  });
});

describe('tables with a terminal signal of zero', () => {
  const zero = { betaStart: 0.00085, betaEnd: 0.012, isZeroTerminal: true };

  it.each(['float64', 'float32'] as const)('begin as the others and end in noise alone, %s', (precision) => {
    const [plain, terminal] = [scaledLinear(precision), scaledLinear(precision, zero)];
    expect(terminal[0]).toBeCloseTo(plain[0], 6);
    expect(terminal[999]).toBeLessThan(1e-6);
    terminal.slice(1).forEach((alpha, t) => expect(alpha).toBeLessThan(terminal[t]));
    expect(new NoiseLevels(terminal).sigmaMax).toBeGreaterThan(1000);
  });

  it.each(scheduleEntries)('have levels by $name', ({ sigmas }) => {
    const walk = sigmas(12, new NoiseLevels(scaledLinear('float64', zero)));
    expect(walk.every(Number.isFinite)).toBe(true);
    walk.slice(1).forEach((sigma, i) => expect(sigma).toBeLessThan(walk[i]));
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

describe('levels of samplers that choose them', () => {
  const falls = (sigmas: readonly number[]) => sigmas.slice(1).every((sigma, i) => sigma < sigmas[i]);

  it.each(['time_uniform', 'time_quadratic', 'logSNR'] as const)(
    'fall from end to end for UniPC, %s',
    (skip) => {
      for (const steps of [1, 2, 7, 20, 150]) {
        const own = allUniPcLevels(steps, levels, skip);
        const sigmas = own.map(({ sigma }) => sigma);
        expect(own[0].timestep).toBeCloseTo(999, 6);
        expect(sigmas[0]).toBeCloseTo(levels.sigmaMax, 3);
        expect(sigmas.at(-1)).toBeCloseTo(levels.sigmaMin, 4);
        expect(falls(sigmas)).toBe(true);
        expect(own).toHaveLength(compvisTimesteps(steps).length + 1);
      }
    },
  );

  it('are those of distilled models for TCD', () => {
    expect(distilledTimesteps(4)).toEqual([999, 759, 499, 259]);
    expect(distilledTimesteps(1)).toEqual([999]);
    for (const steps of [1, 2, 50, 51, 150]) {
      const sigmas = distilledTimedLevels(steps, levels).map(({ sigma }) => sigma);
      expect(sigmas).toHaveLength(steps + 1);
      expect(falls(sigmas)).toBe(true);
    }
  });

  it('are the last ones for a picture redone in part', () => {
    for (const [steps, count] of [
      [20, 1],
      [20, 5],
      [20, 18],
      [7, 3],
    ] as const) {
      for (const last of [lastCompvisLevels, lastUniPcLevels, lastDistilledLevels]) {
        const { entry, levels: own } = last(steps, count, levels);
        expect(own.length).toBeGreaterThan(1);
        expect(entry.sigma).toBeGreaterThan(own[0].sigma * (1 - 1e-6));
        expect(falls(own.map(({ sigma }) => sigma))).toBe(true);
      }
    }
  });
});
