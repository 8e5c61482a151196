import { inverse, solve } from './linear-equations.ts';

/** B(h) of the paper: `bh1` = h (default), `bh2` = eʰ − 1; or coefficients that vary with the step (appendix). */
export type UniPcVariant = 'bh1' | 'bh2' | 'vary_coeff';

/**
 * How much of each slope is in a step of length `h` on a scale of −log σ.
 * @param places Where the earlier evaluations lie, in lengths of the step, newest first; each gave a slope.
 * @param isCorrector Whether one more slope follows, that of the evaluation at the end of the step.
 */
export function slopeWeights(
  variant: UniPcVariant,
  h: number,
  places: readonly number[],
  isCorrector: boolean,
): number[] {
  if (variant === 'vary_coeff') return varyingWeights(h, places, isCorrector);
  const scale = variant === 'bh1' ? h : -Math.expm1(-h);
  const all = isCorrector ? [...places, 1] : places;
  return orderWeights(all, h, scale).map((weight) => scale * weight);
}

/** The weights ρ that make the step exact up to its order: R ρ = b of the paper's equation 9. */
function orderWeights(places: readonly number[], h: number, scale: number): number[] {
  if (places.length === 1) return [0.5]; // as the paper's authors have it
  const phis = phiFunctions(h, places.length + 1);
  let factorial = 1;
  const rows = places.map((_, power) => {
    factorial *= power + 1;
    return [...places.map((place) => place ** power), (phis[power + 1] * factorial) / -scale];
  });
  return solve(rows);
}

/** The slopes as Taylor coefficients, each integrated exactly. */
function varyingWeights(h: number, places: readonly number[], isCorrector: boolean): number[] {
  const phis = phiFunctions(h, places.length + 2);
  const coefficients = (nodes: readonly number[]) => {
    const factorials = nodes.map((_, power) =>
      nodes.slice(0, power + 1).reduce((f, _n, i) => f * (i + 1), 1),
    );
    return inverse(nodes.map((node) => nodes.map((_, power) => node ** power / factorials[power])));
  };
  const orders = places.map((_, k) => k);
  if (!isCorrector) {
    const taylor = coefficients(places);
    return places.map((_, slope) => -orders.reduce((sum, k) => sum + phis[k + 1] * taylor[k][slope], 0));
  }
  const taylor = coefficients([...places, 1]);
  const past = places.map((_, slope) => -orders.reduce((sum, k) => sum + phis[k + 1] * taylor[k][slope], 0));
  // The newest slope is in one of the terms only, as the authors' code has it.
  const newest = -phis[places.length + 1] * taylor[Math.max(places.length - 1, 0)][places.length];
  return [...past, newest];
}

/** φ₁…: φ₁ = e⁻ʰ − 1, φₖ₊₁ = φₖ / −h − 1/k!, `count` of them. */
function phiFunctions(h: number, count: number): number[] {
  const phis = [Math.expm1(-h)];
  let factorial = 1;
  for (let k = 1; k < count; k++) {
    phis.push(phis[k - 1] / -h - 1 / factorial);
    factorial *= k + 1;
  }
  return phis;
}
