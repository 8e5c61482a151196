import type { SamplerOptions } from '../diffusion/samplers/index.ts';
import type { ScheduleOptions } from '../diffusion/schedules/schedule.ts';
import { checkWithin, invalid, type Bounds } from './bounds.ts';

/** What few pictures need: the webui's options for samplers and schedules. Left out, all are as the webui has them. */
export interface SamplingKnobs {
  readonly sampler?: Omit<SamplerOptions, 'eta'>;
  readonly schedule?: ScheduleOptions;
  /** One step more is planned and the last but one noise level left out, whatever the sampler. */
  readonly skipsNextToLast?: boolean;
  /** Noise alone is √(1 + σ²) strong, as the models were trained, instead of σ. */
  readonly hasUnitVarianceStart?: boolean;
}

/** Far beyond what makes good pictures. */
const BOUNDS = {
  churn: { min: 0, max: 1000 },
  tMin: { min: 0, max: 10_000 },
  tMax: { min: 0, max: Infinity },
  noiseScale: { min: 0, max: 10 },
  sigmaMin: { min: 1e-6, max: 10_000 },
  sigmaMax: { min: 1e-6, max: 10_000 },
  rho: { min: 0.01, max: 100 },
  alpha: { min: 0.01, max: 100 },
  beta: { min: 0.01, max: 100 },
  order: { min: 1, max: 3, multipleOf: 1 },
} satisfies Record<string, Bounds>;

/** @throws EngineError `invalid-request` that names the field, what was expected and what came. */
export function checkKnobs({ sampler = {}, schedule = {} }: SamplingKnobs): void {
  const given: Partial<Record<string, unknown>> = { ...sampler, ...schedule, order: sampler.uniPc?.order };
  for (const [name, bounds] of Object.entries(BOUNDS)) {
    if (given[name] !== undefined) checkWithin(name, given[name], bounds);
  }
  const { sigmaMin = 0, sigmaMax = Infinity } = schedule;
  if (sigmaMin < sigmaMax) return;
  throw invalid(
    `Expected sigmaMin to be below sigmaMax but received ${sigmaMin} and ${sigmaMax}.`,
    'Exchange the two, or leave one to the model.',
  );
}
