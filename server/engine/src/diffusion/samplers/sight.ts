import type { Latents } from '../latents.ts';

/** What a multistep sampler remembers: latents that it got from the model (denoised ones, or a slope), and where. */
export interface Sight {
  readonly latents: Latents;
  readonly sigma: number;
}

/** The newest `count` of `history` and one more, newest first. */
export function remembered(now: Sight, history: readonly Sight[], count: number): Sight[] {
  return [now, ...history].slice(0, count);
}
