const { fround } = Math;

const TIMESTEPS = 1000;

/** What a model's training noise was made by. */
export interface NoiseTable {
  /** Ends of the betas, whose square roots are evenly spaced ("scaled linear"). */
  readonly betaStart: number;
  readonly betaEnd: number;
  /** The last timestep is noise alone. Lin et al. 2023, arXiv:2305.08891. */
  readonly isZeroTerminal: boolean;
}

/** What Stable Diffusion was trained with. Rombach et al. 2022, arXiv:2112.10752. */
export const STABLE_DIFFUSION: NoiseTable = { betaStart: 0.00085, betaEnd: 0.012, isZeroTerminal: false };

/**
 * ᾱ, the share of the picture left in the variance at each of the 1000 training timesteps.
 * @param precision Whether betas are float64, as the original code has them, or float32, as diffusers has
 * them. Products are taken in float64 and rounded to float32 either way; the results differ by up to 5e-7.
 */
export function scaledLinear(
  precision: 'float64' | 'float32' = 'float64',
  { betaStart, betaEnd, isZeroTerminal }: NoiseTable = STABLE_DIFFUSION,
): Float32Array {
  const round = precision === 'float32' ? fround : (value: number) => value;
  const first = round(Math.sqrt(betaStart));
  const last = round(Math.sqrt(betaEnd));
  const stride = round((last - first) / (TIMESTEPS - 1));
  let product = 1;
  const alphas = Float32Array.from({ length: TIMESTEPS }, (_, t) => {
    // Counted from the nearer end, as torch.linspace does.
    const root = t < TIMESTEPS / 2 ? round(first + stride * t) : round(last - stride * (TIMESTEPS - 1 - t));
    product *= round(1 - round(root * root));
    return product;
  });
  return isZeroTerminal ? zeroTerminal(alphas, LAST_ALPHA[precision]) : alphas;
}

/** In place of the 0 at the end, whose noise level would be infinite: the webui's number, and diffusers'. */
const LAST_ALPHA = { float64: 4.8973451890853435e-8, float32: 2 ** -24 } as const;

/** √ᾱ moved down so that it ends in 0, and stretched so that it begins as before. Lin et al. 2023, algorithm 1. */
function zeroTerminal(alphas: Float32Array, last: number): Float32Array {
  const roots = alphas.map(Math.sqrt);
  const [start, end] = [roots[0], roots[TIMESTEPS - 1]];
  const stretch = fround(start / fround(start - end));
  return roots.map((root, t) => (t < TIMESTEPS - 1 ? fround(fround(root - end) * stretch) ** 2 : last));
}

/** The noise levels of a model's training timesteps, and the way between the two scales. */
export class NoiseLevels {
  /** Standard deviation of the noise relative to the clean latents, ascending, one for each timestep. */
  readonly sigmas: Float32Array;
  readonly #logSigmas: Float32Array;

  /** ᾱ of each timestep, descending. */
  readonly alphas: Float32Array;

  constructor(alphas: Float32Array) {
    this.alphas = alphas;
    this.sigmas = alphas.map((alpha) => Math.sqrt(fround(fround(1 - alpha) / alpha)));
    this.#logSigmas = this.sigmas.map(Math.log);
  }

  get sigmaMin(): number {
    return this.sigmas[0];
  }

  get sigmaMax(): number {
    return this.sigmas[this.sigmas.length - 1];
  }

  /** The noise level of a timestep, which may be fractional: linear in log σ between whole ones, in float32. */
  sigmaOf(timestep: number): number {
    const logs = this.#logSigmas;
    const low = Math.min(Math.max(Math.floor(timestep), 0), logs.length - 1);
    const high = Math.min(low + 1, logs.length - 1);
    const share = fround(timestep - low);
    return fround(Math.exp(fround(fround((1 - share) * logs[low]) + fround(share * logs[high]))));
  }

  /** The timestep of a noise level, 0…999, fractional; levels beyond the table get its ends. */
  timestepOf(sigma: number): number {
    const logs = this.#logSigmas;
    const log = Math.log(sigma);
    let low = 0;
    let high = logs.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (logs[middle] <= log) low = middle;
      else high = middle;
    }
    const share = (log - logs[low]) / (logs[high] - logs[low]);
    return low + Math.min(Math.max(share, 0), 1);
  }
}
