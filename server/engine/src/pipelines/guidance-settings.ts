import { checkWithin, invalid, type Bounds } from './bounds.ts';

/** When and how the negative prompt guides. Left out: in every step, in full. */
export interface GuidanceRequest {
  /**
   * How much guided predictions are brought back to the deviation of unguided ones, 0…1, so that colours do not burn out: Lin
   * et al. 2023, arXiv:2305.08891, section 3.4, who like 0.7. Default 0.
   */
  readonly rescale?: number;
  /** The part of the steps, from the first on, that goes without the negative prompt, 0…1: "Skip Early CFG". Default 0. */
  readonly skipEarly?: number;
  /** Below this noise level every other evaluation goes without the negative prompt, 0…15: "NGMS". Default 0: none. */
  readonly minimumSigma?: number;
  /** Below it no evaluation at all has the negative prompt. Default: false. */
  readonly isMinimumForAll?: boolean;
  /**
   * Noise levels between which the negative prompt counts; at others it is not asked. Kynkäänniemi et al. 2024,
   * arXiv:2404.07724. Default: all.
   */
  readonly interval?: { readonly from: number; readonly to: number };
}

/** With nothing left open, checked. */
export type GuidanceSettings = Required<GuidanceRequest>;

const SHARE: Bounds = { min: 0, max: 1 };
const SIGMA: Bounds = { min: 0, max: 15 };
const LEVEL: Bounds = { min: 0, max: Infinity };

/** @throws EngineError `invalid-request` */
export function resolveGuidance(request: GuidanceRequest): GuidanceSettings {
  const { rescale = 0, skipEarly = 0, minimumSigma = 0, isMinimumForAll = false } = request;
  const { interval = { from: 0, to: Infinity } } = request;
  checkWithin('guidance.rescale', rescale, SHARE);
  checkWithin('guidance.skipEarly', skipEarly, SHARE);
  checkWithin('guidance.minimumSigma', minimumSigma, SIGMA);
  checkWithin('guidance.interval.from', interval.from, LEVEL);
  checkWithin('guidance.interval.to', interval.to, LEVEL);
  if (interval.from > interval.to) {
    throw invalid(
      `Expected guidance.interval.from to be at most guidance.interval.to but received ${interval.from} and ${interval.to}.`,
      'Exchange the two.',
    );
  }
  return { rescale, skipEarly, minimumSigma, isMinimumForAll, interval };
}

/** How a walk counts; see `SamplingPlan`. */
interface Counting {
  readonly countsTimesteps: boolean;
  readonly evaluations: number;
  readonly timestepOf: (sigma: number) => number;
}

/**
 * Whether the negative prompt counts in an evaluation of the guided model. As the webui's `CFGDenoiser`, which compares the
 * timestep, not the noise level, with the minimum where the sampler chooses its own levels.
 * @param evaluation Index in the walk, from 0.
 */
export function isGuided(
  { skipEarly, minimumSigma, isMinimumForAll, interval }: GuidanceSettings,
  { countsTimesteps, evaluations, timestepOf }: Counting,
  { sigma, evaluation }: { sigma: number; evaluation: number },
): boolean {
  if (sigma < interval.from || sigma > interval.to) return false;
  if (skipEarly !== 0 && evaluation / evaluations <= skipEarly) return false;
  const level = countsTimesteps ? timestepOf(sigma) : sigma;
  const isBelow = minimumSigma > 0 && level < minimumSigma;
  return !(isBelow && (isMinimumForAll || evaluation % 2 === 1));
}
