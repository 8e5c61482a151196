import type { ModelCard } from '../families/model-card.ts';
import type { GreyImage } from '../pixels/image.ts';
import {
  checkImage,
  resolvePictureSettings,
  type PictureRequest,
  type PictureSettings,
} from './picture-request.ts';
import { invalid } from './bounds.ts';
import { resolveSoft, type SoftRequest, type SoftSettings } from './soft-settings.ts';
import { checkNumbers } from './settings.ts';

/** A picture of which a part is drawn anew. */
export interface InpaintRequest extends PictureRequest {
  /** Of the picture's size: 255 = draw anew, 0 = keep. */
  mask: GreyImage;
  /** Standard deviation, in pixels, of the blur that softens the mask's edge. Default: 4 under `webui`, else 0. */
  maskBlur?: number;
  /** What the part to be drawn holds at first; see {@link MaskedContent}. Default `original`. `webui` only. */
  maskedContent?: MaskedContent;
  /**
   * How much of what the mask covers is hidden from a checkpoint for inpainting, 0…1: the webui's conditioning mask strength.
   * Default 1.
   */
  maskWeight?: number;
  /**
   * Draws the masked part alone, with so many pixels around it, in the size asked for, and puts it back into the picture:
   * the webui's "only masked". Default: the whole picture is drawn.
   */
  onlyMasked?: { readonly padding: number };
  /**
   * Whether what the mask keeps comes out pixel by pixel as it went in, and not by way of latents. Default: true under
   * `webui`, else false.
   */
  isKeptExactly?: boolean;
  /**
   * Half tones of the mask count as such, and where nothing has changed the picture is put back: the webui's soft inpainting,
   * which likes a large `maskBlur`. `webui` only. Default: none; `{}` = with the webui's defaults.
   */
  soft?: SoftRequest;
  /**
   * How ordinary checkpoints keep the rest of the picture under `diffusers`: with the noise of the level reached, or as its
   * older pipeline did, with that of the level before. Default `current`.
   */
  keptNoise?: 'current' | 'legacy';
}

/**
 * What the part to be drawn holds before noise is added. With all but `original` the VAE sees the colours around in its place.
 *
 * - `original`: the picture itself.
 * - `fill`: the colours around it.
 * - `noise`: latent noise.
 * - `nothing`: empty latents.
 */
export type MaskedContent = (typeof MASKED_CONTENTS)[number];
const MASKED_CONTENTS = ['original', 'fill', 'noise', 'nothing'] as const;

/** With nothing left open, checked. */
export interface InpaintSettings extends PictureSettings {
  readonly mask: GreyImage;
  readonly maskBlur: number;
  readonly maskedContent: MaskedContent;
  readonly maskWeight: number;
  /** Pixels around the mask that are drawn as well; null = the whole picture is drawn. */
  readonly padding: number | null;
  readonly isKeptExactly: boolean;
  readonly keptNoise: 'current' | 'legacy';
  /** null = none. */
  readonly soft: SoftSettings | null;
}

/** @throws EngineError `invalid-request` */
export function resolveInpaintSettings(request: InpaintRequest, card: ModelCard): InpaintSettings {
  const settings = resolvePictureSettings(request, card);
  const { mask, image, maskedContent = 'original', maskWeight = 1, keptNoise = 'current' } = request;
  const isWebui = settings.conventions === 'webui';
  const { maskBlur = isWebui ? 4 : 0, isKeptExactly = isWebui } = request;
  const padding = request.onlyMasked?.padding ?? null;
  checkImage('mask', mask, 1);
  checkNumbers({ maskBlur, maskWeight, ...(padding === null ? {} : { padding }) });
  if (mask.width !== image.width || mask.height !== image.height) {
    throw invalid(
      `Expected a mask of ${image.width}x${image.height}, as the picture is, but received ${mask.width}x${mask.height}.`,
    );
  }
  if (!MASKED_CONTENTS.includes(maskedContent)) {
    throw invalid(
      `There is no masked content named "${String(maskedContent)}".`,
      `Choose one of: ${MASKED_CONTENTS.join(', ')}.`,
    );
  }
  const soft = request.soft ? resolveSoft(request.soft) : null;
  if (soft && !isWebui) {
    throw invalid(
      'There is no soft inpainting under the conventions of diffusers.',
      'Leave it out, or choose the conventions of the webui.',
    );
  }
  return { ...settings, soft, mask, maskBlur, maskedContent, maskWeight, padding, isKeptExactly, keptNoise };
}
