import type { Denoiser, Prediction } from './denoiser.ts';
import { shareOfLatents } from './denoiser.ts';
import type { Latents } from './latents.ts';
import { scaled, weightedSum } from './latents.ts';

/** A denoiser and how much of its answer is in the sum. */
export interface WeightedDenoiser {
  readonly weight: number;
  readonly denoise: Denoiser;
  /** How much of it is in the sum of what is seen without guidance; these, too, add up to 1. */
  readonly plainWeight: number;
  /** Hand its answer out beside the sum, as {@link Denoised.uncond}; it is then asked even without weight. */
  readonly isKept?: boolean;
}

/** How much guided predictions are brought back to the deviation of unguided ones. */
export interface Rescaling {
  /** 0 = not at all, 1 = wholly. */
  readonly share: number;
  readonly prediction: Prediction;
}

/**
 * The weighted sum of what several denoisers answer, which is what all kinds of classifier-free guidance come to. Those
 * without weight are not asked, unless all are; weights add up to 1.
 */
export function combined(parts: readonly WeightedDenoiser[], rescaling: Rescaling | null = null): Denoiser {
  const asked = parts.filter(({ weight, isKept }) => weight !== 0 || isKept);
  const [only] = asked;
  if (asked.length === 1 && only.weight === 1) return only.denoise;
  return async (x, sigma) => {
    const answers: (readonly [number, Latents])[] = [];
    const plain: (readonly [number, Latents])[] = [];
    let kept: { uncond: Latents } | null = null;
    for (const { weight, plainWeight, denoise, isKept } of asked) {
      const answer = await denoise(x, sigma);
      answers.push([weight, answer]);
      plain.push([plainWeight, answer]);
      if (isKept) kept = { uncond: answer };
    }
    const guided = sumOf(answers);
    if (rescaling === null || rescaling.share === 0) return { ...guided, ...kept };
    const part = scaled(x, shareOfLatents(rescaling.prediction, sigma));
    return { ...rescaled(guided, { plain: sumOf(plain), part, share: rescaling.share }), ...kept };
  };
}

/** What is seen without guidance: the prompts alone, as long as they ask for no other. */
export function unguided(parts: readonly WeightedDenoiser[]): Denoiser {
  const isAnyKept = parts.some(({ isKept }) => isKept);
  const asked = parts.filter(({ plainWeight }) => plainWeight !== 0);
  return combined(
    asked.map(({ plainWeight, denoise }, index) => {
      return { weight: plainWeight, plainWeight, denoise, isKept: isAnyKept && index === 0 };
    }),
  );
}

const sumOf = ([first, ...others]: readonly (readonly [number, Latents])[]): Latents =>
  weightedSum(first, ...others);

/**
 * Brings the deviation of a guided prediction, picture by picture, back to that of the unguided one, so that colours do not
 * burn out. Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed", section 3.4, arXiv:2305.08891.
 * @param part What of the denoised latents is not prediction but latents; see {@link shareOfLatents}.
 */
function rescaled(
  guided: Latents,
  { plain, part, share }: { plain: Latents; part: Latents; share: number },
): Latents {
  const size = guided.data.length / guided.dims[0];
  const data = guided.data.slice();
  for (let start = 0; start < data.length; start += size) {
    const own = deviation(guided, part, start, size);
    // Nothing can be brought to scale that is the same everywhere.
    if (own === 0) continue;
    const factor = (share * deviation(plain, part, start, size)) / own + 1 - share;
    for (let i = start; i < start + size; i++) {
      data[i] = part.data[i] + factor * (guided.data[i] - part.data[i]);
    }
  }
  return { data, dims: guided.dims };
}

/** Standard deviation of `x − part` from `start` on. */
function deviation(x: Latents, part: Latents, start: number, size: number): number {
  let [sum, squares] = [0, 0];
  for (let i = start; i < start + size; i++) sum += x.data[i] - part.data[i];
  for (let i = start; i < start + size; i++) squares += (x.data[i] - part.data[i] - sum / size) ** 2;
  return Math.sqrt(squares / size);
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
