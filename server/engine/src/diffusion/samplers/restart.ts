import type { Denoiser } from '../denoiser.ts';
import type { Latents } from '../latents.ts';
import { addScaled, weightedSum } from '../latents.ts';
import type { Sampler } from '../sampler.ts';
import { karras } from '../schedules/karras.ts';
import { slope, towards } from './steps.ts';

/** Noise levels between which restarts go back and forth, for lack of any near them the nearest. */
const RESTART_LOW = 0.1;
const RESTART_HIGH = 2;

/**
 * Heun steps that go back once or twice: fresh noise leads up again to a higher level, which forgives errors made
 * below it. The number of steps stays as it is; below 20 there is no restart. Xu et al. 2023, Algorithm 1,
 * arXiv:2306.14878, with the settings of the webui. Of `sigmas` the number and the ends count from 20 steps on.
 */
export const restart: Sampler = async function* (denoise, x, sigmas, noise) {
  let last = Infinity;
  for (const [step, [sigma, next]] of restartSteps(sigmas).entries()) {
    if (sigma > last) x = addScaled(x, noise(sigma, next), Math.sqrt(sigma ** 2 - last ** 2));
    const denoised = await denoise(x, sigma);
    yield { step, sigma, x, denoised };
    x = await heunStep(denoise, x, denoised, sigma, next);
    last = next;
  }
  return x;
};

type Span = readonly [sigma: number, next: number];

/** The steps in order, those of restarts included: as many as there are in `sigmas`. */
function restartSteps(sigmas: readonly number[]): Span[] {
  const steps = sigmas.length - 1;
  if (steps < 20) return spans(sigmas);
  const [length, times] = steps < 36 ? [9, 1] : [Math.floor(steps / 4), 2];
  const range = { sigmaMin: sigmas[steps - 1], sigmaMax: sigmas[0] };
  const main = karras(steps - length * times, range);
  const low = nearest(main, RESTART_LOW);
  const high = nearest(main, RESTART_HIGH);
  const between = karras(length + 1, { sigmaMin: main[low], sigmaMax: main[high] }).slice(1, -2);
  const again = [main[high], ...between, main[low]]; // the ends exactly, so that nothing leads up but a restart
  const walk = spans(main);
  walk.splice(low, 0, ...Array.from({ length: times }, () => spans(again)).flat());
  return walk;
}

function spans(sigmas: readonly number[]): Span[] {
  return sigmas.slice(1).map((next, i) => [sigmas[i], next]);
}

function nearest(sigmas: readonly number[], wanted: number): number {
  const distances = sigmas.map((sigma) => Math.abs(sigma - wanted));
  return distances.indexOf(Math.min(...distances));
}

async function heunStep(
  denoise: Denoiser,
  x: Latents,
  denoised: Latents,
  sigma: number,
  next: number,
): Promise<Latents> {
  const end = towards(denoised, x, sigma, next);
  if (next === 0) return end;
  const half = (next - sigma) / 2;
  const second = slope(end, await denoise(end, next), next);
  return weightedSum([1, x], [half, slope(x, denoised, sigma)], [half, second]);
}
