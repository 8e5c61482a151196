import type { DiffusionModel } from '../families/diffusion-model.ts';
import { checkWithin, invalid } from './bounds.ts';

/** A second model that finishes what the first one began, such as SDXL's refiner; or any whose latents are the same. */
export interface RefinerRequest {
  readonly model: DiffusionModel;
  /** How much of the way is done when it takes over, 0…1. Default 0.8. */
  readonly switchAt?: number;
  /** What the way is measured by: timesteps of the noise, or steps, as the webui did before 1.8. Default `noise`. */
  readonly by?: 'noise' | 'steps';
  /** Of two passes, those that it finishes. Default `second`, as in the webui. */
  readonly pass?: 'first' | 'second' | 'both';
}

/** With nothing left open. */
export type RefinerSettings = Required<RefinerRequest>;

const PASSES = ['first', 'second', 'both'];

/** @throws EngineError `invalid-request` */
export function resolveRefiner(request: RefinerRequest): RefinerSettings {
  const { model, switchAt = 0.8, by = 'noise', pass = 'second' } = request;
  checkWithin('refiner.switchAt', switchAt, { min: 0, max: 1 });
  if (by !== 'noise' && by !== 'steps') {
    throw invalid(`Expected refiner.by to be noise or steps but received ${String(by)}.`);
  }
  if (!PASSES.includes(pass)) {
    throw invalid(`Expected refiner.pass to be ${PASSES.join(', ')} but received ${String(pass)}.`);
  }
  return { model, switchAt, by, pass };
}
