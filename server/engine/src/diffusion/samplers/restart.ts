import { addScaled } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { karras } from '../schedules/karras.ts';
import { heunStep } from './heun.ts';
import type { Span } from './stepwise.ts';
import { multistep, neighbours } from './stepwise.ts';

/** Noise levels between which restarts go back and forth, for lack of any near them the nearest. */
const RESTART_LOW = 0.1;
const RESTART_HIGH = 2;

/**
 * Heun steps that go back once or twice: fresh noise leads up again to a higher level, which forgives errors made
 * below it. The number of steps stays as it is; below 20 there is no restart. Xu et al. 2023, Algorithm 1,
 * arXiv:2306.14878, with the settings of the webui. Of `sigmas` the number and the ends count from 20 steps on.
 */
export const restart: Sampler = multistep(
  Infinity,
  async ({ denoise, noise, x, sigma, next }, last: number) => {
    const began = sigma > last ? addScaled(x, noise(sigma, next), Math.sqrt(sigma ** 2 - last ** 2)) : x;
    const denoised = await denoise(began, sigma);
    return {
      x: await heunStep(denoise, { x: began, denoised, sigma, next }),
      denoised,
      began,
      history: next,
    };
  },
  restartSpans,
);

/** The steps in order, those of restarts included: as many as there are in `sigmas`. */
function restartSpans(sigmas: readonly number[]): Span[] {
  const steps = sigmas.length - 1;
  if (steps < 20) return neighbours(sigmas);
  const [length, times] = steps < 36 ? [9, 1] : [Math.floor(steps / 4), 2];
  const range = { sigmaMin: sigmas[steps - 1], sigmaMax: sigmas[0] };
  const main = karras(steps - length * times, range);
  const low = nearest(main, RESTART_LOW);
  const high = nearest(main, RESTART_HIGH);
  const between = karras(length + 1, { sigmaMin: main[low], sigmaMax: main[high] }).slice(1, -2);
  const again = [main[high], ...between, main[low]]; // the ends exactly, so that nothing leads up but a restart
  const walk = neighbours(main);
  walk.splice(low, 0, ...Array.from({ length: times }, () => neighbours(again)).flat());
  return walk;
}

function nearest(sigmas: readonly number[], wanted: number): number {
  const distances = sigmas.map((sigma) => Math.abs(sigma - wanted));
  return distances.indexOf(Math.min(...distances));
}
