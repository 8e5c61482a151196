import { EngineError } from '../errors.ts';
import type { Settings } from './settings.ts';

/** How much of the way to a picture is walked again. */
export interface Redo {
  /** 0…1: 0 = nothing, 1 = all. */
  readonly strength: number;
  /** As many steps are walked as were asked for, in place of their part by `strength`. Default: false. */
  readonly exactSteps?: boolean;
}

/** The last `kept` of `steps` steps are walked. */
interface RedoneSteps {
  readonly steps: number;
  readonly kept: number;
}

/** The webui never starts from the noisiest level of all. */
const MAX_STRENGTH = 0.999;
/** Of the training noise: more steps than there are timesteps mean nothing. */
const MAX_STEPS = 1000;

/**
 * Which steps are left of a schedule: in the webui ⌊strength · steps⌋ + 1 of them, in diffusers ⌊strength · steps⌋.
 * @throws EngineError `invalid-request` if no step would be left, or too many be needed.
 */
export function redoneSteps(
  { steps, conventions }: Pick<Settings, 'steps' | 'conventions'>,
  redo: Redo | null,
): RedoneSteps {
  if (redo === null) return { steps, kept: steps };
  const { strength, exactSteps = false } = redo;
  const bounded = conventions === 'webui' ? Math.min(strength, MAX_STRENGTH) : strength;
  if (!exactSteps) {
    const share = Math.trunc(bounded * steps);
    const kept = conventions === 'webui' ? share + 1 : share;
    if (kept > 0) return { steps, kept };
  }
  const stretched = Math.trunc(steps / bounded);
  if (exactSteps && stretched <= MAX_STEPS) return { steps: stretched, kept: steps };
  throw new EngineError(
    'invalid-request',
    exactSteps
      ? `Redoing ${steps} steps at strength ${strength} would take ${stretched} steps in all; ${MAX_STEPS} are possible.`
      : `Strength ${strength} leaves none of ${steps} steps to do.`,
    {
      hint: exactSteps ? 'Raise the strength or take fewer steps.' : 'Raise the strength or take more steps.',
    },
  );
}
