import type { SoftMask } from '../diffusion/soft-inpainting.ts';
import type { ChangeRule } from '../pixels/change-mask.ts';
import { checkWithin } from './bounds.ts';

/** Soft inpainting, the webui's: masks with half tones count as such, and what has changed shows. */
export type SoftRequest = Partial<SoftMask & ChangeRule>;
export type SoftSettings = SoftMask & ChangeRule;

/** The webui's defaults and bounds. */
const FIELDS = {
  bias: { value: 1, min: 0, max: 8 },
  preservation: { value: 0.5, min: 0, max: 8 },
  contrast: { value: 4, min: 1, max: 32 },
  maskInfluence: { value: 0, min: 0, max: 1 },
  threshold: { value: 0.5, min: 0, max: 8 },
  changeContrast: { value: 2, min: 0, max: 8 },
} as const;

/** @throws EngineError `invalid-request` */
export function resolveSoft(request: SoftRequest): SoftSettings {
  const { bias, preservation, contrast, maskInfluence, threshold, changeContrast } = FIELDS;
  const settings = {
    bias: request.bias ?? bias.value,
    preservation: request.preservation ?? preservation.value,
    contrast: request.contrast ?? contrast.value,
    maskInfluence: request.maskInfluence ?? maskInfluence.value,
    threshold: request.threshold ?? threshold.value,
    changeContrast: request.changeContrast ?? changeContrast.value,
  };
  for (const [name, value] of Object.entries(settings)) {
    checkWithin(`soft.${name}`, value, FIELDS[name as keyof typeof FIELDS]);
  }
  return settings;
}
