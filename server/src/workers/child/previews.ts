import type { Pixels } from './driver.ts';
import { encodePreview } from './encode.ts';

/** At most this often. */
const PERIOD_MS = 250;
/** Previews may take this share of the time. */
const COST_SHARE = 0.1;

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
      .then(encodePreview)
      .catch((error: unknown) => {
        process.stderr.write(`A preview could not be made: ${String(error)}\n`);
        return null;
      });
    const ended = this.#now();
    this.#dueAt = Math.max(started + PERIOD_MS, ended + (ended - started) / COST_SHARE);
    return webp;
  }
}
