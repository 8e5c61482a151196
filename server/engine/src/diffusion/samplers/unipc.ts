import type { Latents } from '../latents.ts';
import { subtract, weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import type { Sight } from './sight.ts';
import { remembered } from './sight.ts';
import { multistep } from './stepwise.ts';
import type { UniPcVariant } from './unipc-weights.ts';
import { slopeWeights } from './unipc-weights.ts';

/** How {@link uniPc} weighs its higher orders. */
export interface UniPc {
  /** 1…3; default 3. The first steps have lower orders. */
  order?: number;
  variant?: UniPcVariant;
  /** Whether the last steps, too, have lower orders; default true. */
  isLowerFinal?: boolean;
}

interface History {
  /** Newest first. */
  readonly seen: readonly Sight[];
  /** Latents from which the last step started, at the newest sight; the corrector starts there again. */
  readonly from: Latents | null;
}

/**
 * UniPC: a predictor of the next latents from the last steps, corrected by the evaluation that the next step
 * makes anyway. Zhao et al. 2023, Algorithms 5 to 8, arXiv:2302.04867, in the form that predicts denoised latents.
 */
export function uniPc({ order = 3, variant = 'bh1', isLowerFinal = true }: UniPc = {}): Sampler {
  return multistep<History>({ seen: [], from: null }, async (task, { seen, from }) => {
    const { denoise, step, sigmas, sigma, next } = task;
    /** Of the step that led here, and of the one ahead. */
    const orderOf = (known: number, left: number) => Math.min(order, known, isLowerFinal ? left : order);
    const left = sigmas.length - 1 - step;
    const denoised = await denoise(task.x, sigma);
    const began = from
      ? move(from, { seen, next: sigma, order: orderOf(seen.length, left + 1), variant, ahead: denoised })
      : task.x;
    const now = remembered({ latents: denoised, sigma }, seen, order);
    const x = move(began, { seen: now, next, order: orderOf(now.length, left), variant, ahead: null });
    return { x, denoised, began, history: { seen: now, from: began } };
  });
}

interface Move {
  /** Newest first: the step starts at the first of them. */
  readonly seen: readonly Sight[];
  readonly next: number;
  readonly order: number;
  readonly variant: UniPcVariant;
  /** What the model sees at `next`, for the corrector; null for the predictor. */
  readonly ahead: Latents | null;
}

/** A step from the newest of `seen` to `next`. */
function move(x: Latents, { seen, next, order, variant, ahead }: Move): Latents {
  const [{ latents: denoised, sigma }, ...older] = seen;
  if (next === 0) return denoised;
  const h = Math.log(sigma / next);
  const past = older.slice(0, order - 1);
  const places = past.map((sight) => -Math.log(sight.sigma / sigma) / h);
  const slopes = past.map(({ latents }, i) =>
    weightedSum([1 / places[i], latents], [-1 / places[i], denoised]),
  );
  if (ahead !== null) slopes.push(subtract(ahead, denoised));
  const weights = slopeWeights(variant, h, places, ahead !== null);
  const terms = slopes.map((slope, i) => [weights[i], slope] as const);
  return weightedSum([next / sigma, x], [-Math.expm1(-h), denoised], ...terms);
}
