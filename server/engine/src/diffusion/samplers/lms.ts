import type { Latents } from '../latents.ts';
import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { intervals } from './intervals.ts';
import { slope } from './steps.ts';

/**
 * Linear multistep method (Adams–Bashforth for uneven steps) on the probability-flow ODE: the slopes of the last
 * `order` steps are joined by a polynomial in σ and integrated. k-diffusion, `sample_lms`.
 * @param order 1…4.
 */
export function lms(order = 4): Sampler {
  return async function* (denoise, x, sigmas) {
    const slopes: Latents[] = [];
    for (const { step, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      yield { step, sigma, x, denoised };
      slopes.unshift(slope(x, denoised, sigma));
      slopes.length = Math.min(slopes.length, order);
      const nodes = slopes.map((_, back) => sigmas[step - back]);
      const terms = slopes.map((past, index) => [basisIntegral(nodes, index, sigma, next), past] as const);
      x = weightedSum([1, x], ...terms);
    }
    return x;
  };
}

/** ∫ from `sigma` to `next` of the Lagrange polynomial that is 1 at node `index`, 0 at the others. */
function basisIntegral(nodes: readonly number[], index: number, sigma: number, next: number): number {
  const basis = (at: number) =>
    nodes.reduce(
      (product, node, i) => (i === index ? product : (product * (at - node)) / (nodes[index] - node)),
      1,
    );
  // Gauss–Legendre with two points is exact up to degree 3, that is, for up to four nodes.
  const centre = (sigma + next) / 2;
  const half = (next - sigma) / 2;
  return half * (basis(centre - half / Math.sqrt(3)) + basis(centre + half / Math.sqrt(3)));
}
