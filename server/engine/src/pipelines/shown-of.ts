import type { KeptPicture } from '../diffusion/inpainting.ts';
import type { Latents } from '../diffusion/latents.ts';
import { boxGaussianBlur } from '../pixels/blur.ts';
import { changeMask } from '../pixels/change-mask.ts';
import type { GreyImage } from '../pixels/image.ts';
import { resizeImage } from '../pixels/resize.ts';
import type { SoftSettings } from './soft-settings.ts';

/** Takes the steps of the latents' pixels out of the mask. */
const BLUR = 4;

/**
 * What is to be seen of a picture that was drawn by a soft mask: where its latents have changed.
 * @param size In pixels.
 */
export function shownOf(
  { original, mask }: KeptPicture,
  { data, dims }: Latents,
  size: { readonly width: number; readonly height: number },
  soft: SoftSettings,
): GreyImage {
  const [, channels, height, width] = dims;
  const area = mask.length;
  const values = Float32Array.from({ length: area }, (_, place) => {
    let square = 0;
    for (let i = place; i < channels * area; i += area) square += (data[i]! - original.data[i]!) ** 2;
    return Math.sqrt(square);
  });
  const changed = changeMask({ values, width, height }, mask, soft, soft.preservation);
  return boxGaussianBlur(resizeImage(changed, size.width, size.height), BLUR);
}
