import sharp from 'sharp';
import type { Pixels } from './driver.ts';

/** At most this often. */
const PERIOD_MS = 250;
/** Previews may take this share of the time. */
const COST_SHARE = 0.1;
/** Latents have an eighth of the picture's side; larger than this a preview need not be. */
const SIDE = 256;
const LARGEST_SCALE = 8;

/** Decides when a preview is due, and makes it. */
export class Previews {
  #dueAt = -Infinity;
  readonly #now: () => number;

  /** @param now a steady clock, ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @returns a WebP, or null if it is too early for another, or there is none: drawing goes on without. */
  async ifDue(make: () => Promise<Pixels>): Promise<Uint8Array | null> {
    const started = this.#now();
    if (started < this.#dueAt) return null;
    const webp = await make()
      .then(encode)
      .catch((error: unknown) => {
        process.stderr.write(`A preview could not be made: ${String(error)}\n`);
        return null;
      });
    const ended = this.#now();
    this.#dueAt = Math.max(started + PERIOD_MS, ended + (ended - started) / COST_SHARE);
    return webp;
  }
}

async function encode({ data, width, height }: Pixels): Promise<Uint8Array> {
  const scale = Math.min(LARGEST_SCALE, Math.max(1, SIDE / Math.max(width, height)));
  return sharp(data, { raw: { width, height, channels: 3 } })
    .resize({ width: Math.round(width * scale), height: Math.round(height * scale), kernel: 'cubic' })
    .webp({ quality: 70, effort: 1 })
    .toBuffer();
}
