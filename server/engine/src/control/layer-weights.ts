/**
 * Whose word counts more.
 *
 * - `balanced`: the same weight everywhere.
 * - `prompt`: less towards the shallow layers, for both halves of the guidance ("My prompt is more important").
 * - `control`: as `prompt`, but for the prompt's half alone, so that guidance multiplies it ("ControlNet is more important").
 * - `guess`: weights rise from 0.1 to 1 in equal ratios, for the prompt's half alone (diffusers' `guess_mode`).
 */
export type ControlMode = 'balanced' | 'prompt' | 'control' | 'guess';

/** Ratio between neighbouring layers: 0.825¹² < 0.1 < 0.826¹². Zhang's ControlNet code, `control_scales`. */
const SOFT_RATIO = 0.825;
const SOFT_LAYERS = 13;
/** Of the four features of an adapter. */
const SOFT_FEATURES = [0.25, 0.62, 0.825, 1] as const;

/** False where a mode leaves the negative prompt's half alone. */
export function actsOnUncond(mode: ControlMode): boolean {
  return mode === 'balanced' || mode === 'prompt';
}

/**
 * What each residual of a ControlNet is multiplied by, the middle's last. The soft ratio counts as if there were 13, also
 * where there are fewer (SDXL has 10), as the reference does.
 */
export function controlNetWeights(mode: ControlMode, weight: number, residuals: number): number[] {
  switch (mode) {
    case 'balanced':
      return new Array<number>(residuals).fill(weight);
    case 'guess':
      return Array.from({ length: residuals }, (_, index) => weight * 10 ** (index / (residuals - 1) - 1));
    case 'prompt':
    case 'control':
      return Array.from(
        { length: residuals },
        (_, index) => weight * SOFT_RATIO ** (SOFT_LAYERS - 1 - index),
      );
  }
}

/** What each feature of an adapter is multiplied by. */
export function adapterWeights(mode: ControlMode, weight: number, features: number): number[] {
  const isSoft = mode === 'prompt' || mode === 'control';
  return Array.from({ length: features }, (_, index) => weight * (isSoft ? (SOFT_FEATURES[index] ?? 1) : 1));
}
