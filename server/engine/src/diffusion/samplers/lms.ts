import { weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import type { Sight } from './sight.ts';
import { remembered } from './sight.ts';
import { slope } from './steps.ts';
import { multistep } from './stepwise.ts';

/**
 * Linear multistep method (Adams–Bashforth for uneven steps) on the probability-flow ODE: the slopes of the last
 * `order` steps are joined by a polynomial in σ and integrated. k-diffusion, `sample_lms`.
 * @param order 1…4.
 */
export function lms(order = 4): Sampler {
  return multistep<readonly Sight[]>([], async ({ denoise, x, sigma, next }, past) => {
    const denoised = await denoise(x, sigma);
    const slopes = remembered({ latents: slope(x, denoised, sigma), sigma }, past, order);
    const nodes = slopes.map((one) => one.sigma);
    const terms = slopes.map(
      ({ latents }, index) => [basisIntegral(nodes, index, sigma, next), latents] as const,
    );
    return { x: weightedSum([1, x], ...terms), denoised, history: slopes };
  });
}

/** ∫ from `sigma` to `next` of the Lagrange polynomial that is 1 at node `index`, 0 at the others. */
function basisIntegral(nodes: readonly number[], index: number, sigma: number, next: number): number {
  const basis = (at: number) => lagrange(nodes, index, at);
  // Gauss–Legendre with two points is exact up to degree 3, that is, for up to four nodes.
  const centre = (sigma + next) / 2;
  const half = (next - sigma) / 2;
  return half * (basis(centre - half / Math.sqrt(3)) + basis(centre + half / Math.sqrt(3)));
}

/** The polynomial that is 1 at node `index` and 0 at the others. */
export function lagrange(nodes: readonly number[], index: number, at: number): number {
  return nodes.reduce(
    (product, node, i) => (i === index ? product : (product * (at - node)) / (nodes[index] - node)),
    1,
  );
}
