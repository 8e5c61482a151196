import type { Denoiser } from '../denoiser.ts';
import type { Latents } from '../latents.ts';
import { addScaled, weightedSum } from '../latents.ts';
import { between, slope } from './steps.ts';

/** A step of DPM-Solver, whose first evaluation is made. Lu et al. 2022, arXiv:2206.00927. */
export interface SolverStep {
  readonly denoise: Denoiser;
  readonly x: Latents;
  readonly sigma: number;
  readonly next: number;
  /** The noise that the model sees at its start. */
  readonly first: Latents;
}

const THIRD = 1 / 3;

/** How much of some slopes is in a step. */
type Terms = (readonly [weight: number, slope: Latents])[];

/** The step of order 1, 2 or 3, with as many evaluations. */
export async function solverStep(order: number, task: SolverStep): Promise<Latents> {
  if (order === 1) return moved(task, firstOrder(task));
  if (order === 2) return moved(task, secondOrder(task, await innerSlope(task, 1 / 2), 1 / 2));
  return moved(task, await thirdOrder(task, await innerSlope(task, THIRD)));
}

/** A step of an order beside that of the order below, which shares its evaluations. */
export interface SolverPair {
  readonly low: Latents;
  readonly high: Latents;
  /** `low` − `high`, to more digits than the two have. */
  readonly difference: Latents;
}

/** The steps of order 1 and 2, or of 2 and 3. */
export async function solverPair(order: 2 | 3, task: SolverStep): Promise<SolverPair> {
  const inner = await innerSlope(task, order === 2 ? 1 / 2 : THIRD);
  const low = order === 2 ? firstOrder(task) : secondOrder(task, inner, THIRD);
  const high = order === 2 ? secondOrder(task, inner, 1 / 2) : await thirdOrder(task, inner);
  const taken = high.map(([weight, one]) => [-weight, one] as const);
  const [first, ...others] = [...low, ...taken];
  return { low: moved(task, low), high: moved(task, high), difference: weightedSum(first, ...others) };
}

const moved = ({ x }: SolverStep, terms: Terms) => weightedSum([1, x], ...terms);

/** DPM-Solver-1, which is DDIM: a straight line. */
function firstOrder({ sigma, next, first }: SolverStep): Terms {
  return [[next - sigma, first]];
}

/** The noise seen `share` of the way on a scale of log σ, reached in a straight line. */
async function innerSlope({ denoise, x, sigma, next, first }: SolverStep, share: number): Promise<Latents> {
  const mid = between(sigma, next, share);
  const at = addScaled(x, first, mid - sigma);
  return slope(at, await denoise(at, mid), mid);
}

/** DPM-Solver-2, Algorithm 1. */
function secondOrder({ sigma, next, first }: SolverStep, inner: Latents, share: number): Terms {
  const weight = 1 / (2 * share);
  return [
    [(next - sigma) * (1 - weight), first],
    [(next - sigma) * weight, inner],
  ];
}

/** DPM-Solver-3, Algorithm 2, with its evaluations at a third and at two thirds. */
async function thirdOrder({ denoise, x, sigma, next, first }: SolverStep, inner: Latents): Promise<Terms> {
  const share = 2 / 3;
  const h = Math.log(sigma / next);
  const mid = between(sigma, next, share);
  const bend = mid * (share / THIRD) * (Math.expm1(share * h) / (share * h) - 1);
  const at = weightedSum([1, x], [mid - sigma + bend, first], [-bend, inner]);
  const second = slope(at, await denoise(at, mid), mid);
  const curve = (next / share) * (Math.expm1(h) / h - 1);
  return [
    [next - sigma + curve, first],
    [-curve, second],
  ];
}
