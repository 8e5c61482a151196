const { fround } = Math;

const TIMESTEPS = 1000;
/** Ends of the noise schedule that Stable Diffusion was trained with. Rombach et al. 2022, arXiv:2112.10752. */
const BETA_START = 0.00085;
const BETA_END = 0.012;

/**
 * ᾱ, the share of the picture left in the variance at each of the 1000 training timesteps, for betas whose
 * square roots are evenly spaced ("scaled linear").
 * @param precision Whether betas are float64, as the original code has them, or float32, as diffusers has
 * them. Products are taken in float64 and rounded to float32 either way; the results differ by up to 5e-7.
 */
export function scaledLinear(precision: 'float64' | 'float32' = 'float64'): Float32Array {
  const round = precision === 'float32' ? fround : (value: number) => value;
  const first = round(Math.sqrt(BETA_START));
  const last = round(Math.sqrt(BETA_END));
  const stride = round((last - first) / (TIMESTEPS - 1));
  let product = 1;
  return Float32Array.from({ length: TIMESTEPS }, (_, t) => {
    // Counted from the nearer end, as torch.linspace does.
    const root = t < TIMESTEPS / 2 ? round(first + stride * t) : round(last - stride * (TIMESTEPS - 1 - t));
    product *= round(1 - round(root * root));
    return product;
  });
}

/** The noise levels of a model's training timesteps, and the way between the two scales. */
export class NoiseLevels {
  /** Standard deviation of the noise relative to the clean latents, ascending, one for each timestep. */
  readonly sigmas: Float32Array;
  readonly #logSigmas: Float32Array;

  /** @param alphas ᾱ of each timestep, descending. */
  constructor(alphas: Float32Array) {
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
