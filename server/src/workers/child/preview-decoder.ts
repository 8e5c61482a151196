import {
  openTaesd,
  SD1_LATENT_TO_RGB,
  type DiffusionModel,
  type OpenOptions,
  type TinyAutoencoder,
} from '@atelier/engine';
import { existsSync } from 'node:fs';
import { basename, extname, join } from 'node:path';

/** The decoder that most models can share, by the name under which it is published. */
const SHARED = 'taesd_decoder.safetensors';

/**
 * The small decoder for a checkpoint's previews, if there is one: the file named like the checkpoint, else, for
 * models with the usual latents, the shared one. A model that brings its own map from latents to colours has other latents.
 * A decoder that cannot be used is no reason not to draw: it is told of, and previews are made without.
 */
export async function openPreviewDecoder(
  folder: string | undefined,
  modelPath: string,
  model: DiffusionModel,
  options: OpenOptions,
): Promise<TinyAutoencoder | undefined> {
  if (folder === undefined) return undefined;
  const own = `${basename(modelPath, extname(modelPath))}.safetensors`;
  const names = model.latentToRgb === SD1_LATENT_TO_RGB ? [own, SHARED] : [own];
  const path = names.map((name) => join(folder, name)).find((file) => existsSync(file));
  if (path === undefined) return undefined;
  try {
    const decoder = await openTaesd(path, undefined, options);
    if (decoder.latentChannels === model.latentChannels) return decoder;
    process.stderr.write(`${path} is for other latents; previews are made without it.\n`);
    await decoder.dispose();
  } catch (error) {
    process.stderr.write(`${path} cannot make previews: ${(error as Error).message}\n`);
  }
  return undefined;
}
