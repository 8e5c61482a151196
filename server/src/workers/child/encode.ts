import sharp, { type Sharp } from 'sharp';
import type { Pixels } from './driver.ts';

/** Latents have an eighth of the picture's side; larger than this a preview need not be. */
const PREVIEW_SIDE = 256;
const LARGEST_SCALE = 8;

// No picture is made twice: libvips need not remember how, nor the 50 MB of pixels that it would keep.
sharp.cache(false);

/** A PNG without text: level 6 of zlib, as the webui's writer. The same pixels give the same bytes. */
export function encodePng(pixels: Pixels): Promise<Uint8Array> {
  return open(pixels).png({ compressionLevel: 6 }).toBuffer();
}

/** A WebP of latents made visible, enlarged towards the size of their picture. */
export function encodePreview(pixels: Pixels): Promise<Uint8Array> {
  const { width, height } = pixels;
  const scale = Math.min(LARGEST_SCALE, Math.max(1, PREVIEW_SIDE / Math.max(width, height)));
  return open(pixels)
    .resize({ width: Math.round(width * scale), height: Math.round(height * scale), kernel: 'cubic' })
    .webp({ quality: 70, effort: 1 })
    .toBuffer();
}

const open = ({ data, width, height }: Pixels): Sharp => sharp(data, { raw: { width, height, channels: 3 } });
