import type { Predictor } from '../diffusion/denoiser.ts';
import { denoiser } from '../diffusion/denoiser.ts';
import { guided } from '../diffusion/guidance.ts';
import type { Latents } from '../diffusion/latents.ts';
import { isFinite, scaled } from '../diffusion/latents.ts';
import { brownianTreeNoise } from '../diffusion/random/brownian-tree.ts';
import { TorchCpuGenerator } from '../diffusion/random/torch-cpu.ts';
import type { StepNoise } from '../diffusion/sampler.ts';
import { EngineError } from '../errors.ts';
import type { DiffusionModel, TextConditioning } from '../families/diffusion-model.ts';
import { conditionOn } from './conditioning.ts';
import { emitted } from './emitted.ts';
import { roughRgb, toRgb } from './pixels.ts';
import { planSampling } from './sampling-plan.ts';
import { resolveSettings } from './settings.ts';
import type { GenerationEvent, TextToImageOptions, TextToImageRequest } from './text-to-image-types.ts';

/**
 * Draws one picture from text. Events come in this order: `loading` for each network, `conditioned`, `step` for
 * each step, `decoding`, `image`. Nothing runs until the first event is asked for, and a consumer that stops
 * asking stops the work.
 *
 * The same request on the same model gives the same picture, and one close to what the webui or diffusers would
 * make of it (see {@link TextToImageRequest.conventions}).
 * @throws EngineError `invalid-request` before anything is loaded; `non-finite` if the model's numbers overflow;
 * what the model throws; the signal's reason within one network evaluation.
 */
export async function* textToImage(
  model: DiffusionModel,
  request: TextToImageRequest,
  { signal, taesd }: TextToImageOptions = {},
): AsyncGenerator<GenerationEvent, void> {
  const settings = resolveSettings(request, model.card);
  signal?.throwIfAborted();
  yield* emitted<GenerationEvent>((emit) => model.load((network) => emit({ type: 'loading', network })));

  const cond = await conditionOn(model, settings.prompt, settings, signal);
  const isGuided = settings.cfgScale !== 1;
  const uncond = isGuided ? await conditionOn(model, settings.negativePrompt, settings, signal) : cond;
  yield { type: 'conditioned' };

  const { sampler, sigmas, start, finish, timestepOf, noise } = planSampling(settings);
  const predictor =
    (context: TextConditioning): Predictor =>
    (x, timestep) => {
      signal?.throwIfAborted();
      return model.predict(x, timestep, context);
    };
  const denoise = guided(
    denoiser(predictor(cond), model.prediction, timestepOf),
    denoiser(predictor(uncond), model.prediction, timestepOf),
    settings.cfgScale,
  );

  const dims = [1, model.latentChannels, settings.height / 8, settings.width / 8] as const;
  const draw = noiseSource(settings.seed, dims);
  const stepNoise = noise === 'sequence' ? draw : treeNoise(settings.seed, dims, sigmas);
  const walk = sampler(denoise, scaled(draw(), start), sigmas, stepNoise);
  const steps = sigmas.length - 1;
  let latents: Latents;
  for (;;) {
    const { done, value } = await walk.next();
    if (done) {
      latents = scaled(value, finish);
      break;
    }
    const { step, sigma, denoised } = value;
    if (!isFinite(denoised)) throw overflow(`The model's prediction in step ${step + 1} of ${steps}`);
    const preview = async () =>
      taesd ? toRgb(await taesd.decode(denoised), Math.round) : roughRgb(denoised, model.latentToRgb);
    yield { type: 'step', step: step + 1, steps, sigma, preview };
  }

  yield { type: 'decoding' };
  signal?.throwIfAborted();
  const planes = await model.decode(latents);
  if (!planes.data.every(Number.isFinite)) throw overflow('The decoded picture');
  const image = toRgb(planes, settings.conventions === 'webui' ? Math.trunc : Math.round);
  yield { type: 'image', image, latents };
}

/** Draws of unit noise, one after the other from the seed's sequence. */
function noiseSource(seed: number, dims: Latents['dims']): () => Latents {
  const generator = new TorchCpuGenerator(seed);
  return () => ({ data: generator.normals(sizeOf(dims)), dims });
}

/** Noise for steps from one Brownian path between the ends of `sigmas`. */
function treeNoise(seed: number, dims: Latents['dims'], sigmas: readonly number[]): StepNoise {
  const noisy = sigmas.filter((sigma) => sigma > 0);
  const noise = brownianTreeNoise(seed, sizeOf(dims), noisy.at(-1)!, noisy[0]!);
  return (from, to) => ({ data: noise(from, to), dims });
}

function sizeOf(dims: Latents['dims']): number {
  return dims.reduce((product, length) => product * length);
}

function overflow(what: string): EngineError {
  return new EngineError('non-finite', `${what} holds values that are not numbers.`, {
    hint: 'Lower the CFG scale and take back extreme emphasis. If that does not help, the file may be damaged.',
  });
}
