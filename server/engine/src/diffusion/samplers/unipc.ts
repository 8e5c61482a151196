import type { Latents } from '../latents.ts';
import { subtract, weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { intervals } from './intervals.ts';

/** How {@link uniPc} weighs its higher orders. */
interface UniPc {
  /** 1…3; default 3. The first steps and the last ones have lower orders. */
  order?: number;
  /** B(h) of the paper: `bh1` = h (default), `bh2` = eʰ − 1. */
  variant?: 'bh1' | 'bh2';
}

/** What the model said at a noise level. */
interface Sight {
  readonly denoised: Latents;
  readonly sigma: number;
}

/**
 * UniPC: a predictor of the next latents from the last steps, corrected by the evaluation that the next step
 * makes anyway. Zhao et al. 2023, Algorithms 5 to 8, arXiv:2302.04867, in the form that predicts denoised latents.
 */
export function uniPc({ order = 3, variant = 'bh1' }: UniPc = {}): Sampler {
  return async function* (denoise, x, sigmas) {
    /** Newest first. */
    let seen: Sight[] = [];
    let from = x;
    let usedOrder = 0;
    for (const { step, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      const now: Sight = { denoised, sigma };
      if (usedOrder > 0) x = move(from, seen, sigma, usedOrder, variant, denoised);
      yield { step, sigma, x, denoised };
      seen = [now, ...seen].slice(0, order);
      usedOrder = Math.min(order, seen.length, sigmas.length - 1 - step);
      from = x;
      x = move(from, seen, next, usedOrder, variant, null);
    }
    return x;
  };
}

/**
 * A step from the newest of `seen` to `next`.
 * @param ahead What the model sees at `next`, for the corrector; null for the predictor.
 */
function move(
  x: Latents,
  seen: readonly Sight[],
  next: number,
  order: number,
  variant: 'bh1' | 'bh2',
  ahead: Latents | null,
): Latents {
  const [{ denoised, sigma }, ...older] = seen;
  const h = Math.log(sigma / next);
  const renewed = -Math.expm1(-h);
  const plain: [number, Latents][] = [
    [next / sigma, x],
    [renewed, denoised],
  ];
  if (next === 0) return denoised;
  const past = older.slice(0, order - 1);
  const places = past.map((sight) => -Math.log(sight.sigma / sigma) / h);
  const slopes = past.map((sight, i) =>
    weightedSum([1 / places[i], sight.denoised], [-1 / places[i], denoised]),
  );
  if (ahead !== null) {
    places.push(1);
    slopes.push(subtract(ahead, denoised));
  }
  const scale = variant === 'bh1' ? h : renewed;
  const weights = orderWeights(places, h, scale);
  return weightedSum(plain[0], plain[1], ...slopes.map((slope, i) => [scale * weights[i], slope] as const));
}

/** The weights ρ that make the step exact up to its order: R ρ = b of the paper's equation 9. */
function orderWeights(places: readonly number[], h: number, scale: number): number[] {
  if (places.length === 1) return [0.5]; // as the paper's authors have it
  let phi = Math.expm1(-h) / -h - 1;
  let factorial = 1;
  const rows = places.map((_, power) => {
    const row = [...places.map((place) => place ** power), (phi * factorial) / -scale];
    factorial *= power + 2;
    phi = phi / -h - 1 / factorial;
    return row;
  });
  return solve(rows);
}

/** Solves linear equations, given as rows of coefficients with the right side last. Gauss–Jordan elimination. */
function solve(rows: number[][]): number[] {
  rows.forEach((pivot, i) => {
    for (let column = rows.length; column >= i; column--) pivot[column] /= pivot[i];
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[i];
      row.forEach((_, column) => (row[column] -= factor * pivot[column]));
    }
  });
  return rows.map((row) => row[rows.length]);
}
