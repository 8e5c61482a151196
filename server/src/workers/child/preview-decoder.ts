import {
  latentToRgbOf,
  openTaesd,
  type DiffusionModel,
  type Family,
  type OpenOptions,
  type TinyAutoencoder,
} from '@atelier/engine';
import { existsSync } from 'node:fs';
import { basename, extname, join } from 'node:path';

/** The decoders that most models of a family can share, by the names under which they are published. */
const SHARED: Readonly<Record<Family, string>> = {
  sd1: 'taesd_decoder',
  sd2: 'taesd_decoder',
  sdxl: 'taesdxl_decoder',
  'sdxl-refiner': 'taesdxl_decoder',
};
const SUFFIXES = ['.safetensors', '.pth'];

/**
 * The small decoder for a checkpoint's previews, if there is one: the file named like the checkpoint, else, for
 * models with their family's usual latents, the shared one. A model that brings its own map from latents to colours has
 * other latents.
 * A decoder that cannot be used is no reason not to draw: it is told of, and previews are made without.
 */
export async function openPreviewDecoder(
  folder: string | undefined,
  modelPath: string,
  model: DiffusionModel,
  options: OpenOptions,
): Promise<TinyAutoencoder | undefined> {
  if (folder === undefined) return undefined;
  const own = basename(modelPath, extname(modelPath));
  const { family } = model.card;
  const hasUsualLatents = model.latentToRgb === latentToRgbOf(family);
  const path = [own, ...(hasUsualLatents ? [SHARED[family]] : [])]
    .flatMap((name) => SUFFIXES.map((suffix) => join(folder, name + suffix)))
    .find((file) => existsSync(file));
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
