import type { Denoiser } from '../../../engine/src/diffusion/denoiser.ts';

/** Pictures drawn from a few normal distributions. */
export interface Mixture {
  /** Standard deviation of each. */
  s: number;
  /** Share of each. */
  w: number[];
  /** Mean of each. */
  mu: number[][];
}

/**
 * The best possible denoiser of such pictures: analytic, so that a sampler is tested without a network.
 * `Σ r_k (s² x + σ² μ_k) / (s² + σ²)`, r = softmax(log w_k − |x − μ_k|² / 2(s² + σ²)).
 */
export function mixtureDenoiser({ s, w, mu }: Mixture): Denoiser {
  return async ({ data, dims }, sigma) => {
    const variance = s * s + sigma * sigma;
    const scores = mu.map((centre, k) => {
      const distance = centre.reduce((sum, value, i) => sum + (data[i]! - value) ** 2, 0);
      return Math.log(w[k]!) - distance / (2 * variance);
    });
    const highest = Math.max(...scores);
    const shares = scores.map((score) => Math.exp(score - highest));
    const total = shares.reduce((a, b) => a + b);
    const denoised = data.map((value, i) => {
      const centre = mu.reduce((sum, one, k) => sum + (shares[k]! / total) * one[i]!, 0);
      return (s * s * value + sigma * sigma * centre) / variance;
    });
    return { data: denoised, dims };
  };
}
