import type { ControlStep, UnitSettings } from './controls.ts';

/**
 * Whose reading of `start` and `end`.
 *
 * - `diffusers`: the whole step lies between them.
 * - `webui`: the step begins between them (sd-webui-controlnet), so that a unit with `end` 1 / steps acts twice.
 */
export type StepRule = 'diffusers' | 'webui';

/** Whether a unit acts in a step. A weight of 0 switches it off. */
export function isActive(
  { start = 0, end = 1, weight = 1 }: UnitSettings,
  { stepIndex, steps }: Pick<ControlStep, 'stepIndex' | 'steps'>,
  rule: StepRule,
): boolean {
  if (weight === 0) return false;
  const begin = stepIndex / steps;
  const finish = rule === 'diffusers' ? (stepIndex + 1) / steps : begin;
  return begin >= start && finish <= end;
}
