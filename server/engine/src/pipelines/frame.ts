import type { DiffusionModel } from '../families/diffusion-model.ts';
import { conditionOnPrompts, type Conditioning } from './conditioning.ts';
import { emitted } from './emitted.ts';
import type { RgbImage } from '../pixels/image.ts';
import type { GenerationEvent, GenerationOptions } from './generation-types.ts';
import { toRgb } from './pixels.ts';
import { checkRefiner } from './refiner.ts';
import { overflow, type Sampled } from './sample.ts';
import type { Settings } from './settings.ts';

/** What every pipeline begins with: loads the networks and encodes the prompts. */
export async function* prepared(
  model: DiffusionModel,
  settings: Settings,
  options: GenerationOptions,
): AsyncGenerator<GenerationEvent, Conditioning> {
  checkRefiner(model, settings);
  // There is nothing to keep yet.
  const signals = [options.signal, options.keep].filter((one) => one !== undefined);
  const signal = AbortSignal.any(signals);
  signal.throwIfAborted();
  yield* emitted<GenerationEvent>((emit) =>
    model.load((network) => emit({ type: 'loading', network }), signal),
  );
  const conditioning = await conditionOnPrompts(model, settings, { signal });
  yield { type: 'conditioned' };
  return conditioning;
}

/**
 * What every pipeline ends with: decodes the picture. What finished the walk decodes, unless told otherwise.
 * @param touchUp On the decoded picture, before it is handed out.
 */
export async function* finished(
  { latents, model }: Pick<Sampled, 'latents' | 'model'>,
  { conventions }: Pick<Settings, 'conventions'>,
  { signal, decoder = model }: GenerationOptions,
  touchUp: (image: RgbImage) => RgbImage = (image) => image,
): AsyncGenerator<GenerationEvent, void> {
  yield { type: 'decoding' };
  signal?.throwIfAborted();
  const planes = await decoder.decode(latents);
  if (!planes.data.every(Number.isFinite)) throw overflow('The decoded picture');
  const image = toRgb(planes, conventions === 'webui' ? Math.trunc : Math.round);
  yield { type: 'image', image: touchUp(image), latents };
}
