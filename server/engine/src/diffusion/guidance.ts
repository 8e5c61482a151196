import type { Denoiser } from './denoiser.ts';
import type { Latents } from './latents.ts';
import { weightedSum } from './latents.ts';

/** A denoiser and how much of its answer is in the sum. */
export interface WeightedDenoiser {
  readonly weight: number;
  readonly denoise: Denoiser;
  /** Hand its answer out beside the sum, as {@link Denoised.uncond}; it is then asked even without weight. */
  readonly isKept?: boolean;
}

/**
 * The weighted sum of what several denoisers answer, which is what all kinds of classifier-free guidance come to. Those
 * without weight are not asked, unless all are; weights add up to 1.
 */
export function combined(parts: readonly WeightedDenoiser[]): Denoiser {
  const asked = parts.filter(({ weight, isKept }) => weight !== 0 || isKept);
  const [only] = asked;
  if (asked.length === 1 && only.weight === 1) return only.denoise;
  return async (x, sigma) => {
    const answers: (readonly [number, Latents])[] = [];
    let kept: { uncond: Latents } | null = null;
    for (const { weight, denoise, isKept } of asked) {
      const answer = await denoise(x, sigma);
      answers.push([weight, answer]);
      if (isKept) kept = { uncond: answer };
    }
    const [first, ...others] = answers;
    return { ...weightedSum(first, ...others), ...kept };
  };
}

/**
 * Weights of classifier-free guidance with several prompts: `uncond + cfgScale · Σ weightᵢ · (condᵢ − uncond)`. Ho &
 * Salimans 2022, arXiv:2207.12598; Liu et al. 2022, arXiv:2206.01714, equation 11.
 * @param promptWeights One for an ordinary prompt: [1].
 */
export function guidanceWeights(
  cfgScale: number,
  promptWeights: readonly number[],
): { conds: number[]; uncond: number } {
  const conds = promptWeights.map((weight) => cfgScale * weight);
  return { conds, uncond: conds.reduce((rest, weight) => rest - weight, 1) };
}

/**
 * Weights of guidance by a text and by a picture that it tells how to change: `uncond + imageScale · (image − uncond) +
 * cfgScale · (cond − image)`, where `image` has the picture without the text. Brooks et al. 2023, arXiv:2211.09800,
 * equation 3.
 */
export function instructionWeights(
  cfgScale: number,
  imageScale: number,
): { cond: number; image: number; uncond: number } {
  return { cond: cfgScale, image: imageScale - cfgScale, uncond: 1 - imageScale };
}
