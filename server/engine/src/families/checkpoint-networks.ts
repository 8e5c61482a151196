import { EngineError } from '../errors.ts';
import { clipText, type ClipTextModel } from '../networks/clip-text.ts';
import { unet, type UnetModel } from '../networks/unet.ts';
import { vaeDecoder, type VaeModel } from '../networks/vae.ts';
import { FAMILIES } from './family-facts.ts';
import type { CheckpointParts } from './recognise.ts';
import type { Tower } from './towers.ts';

/** The graphs of a checkpoint. The VAE's encoder is left out: its weights may be missing, and drawing from text needs none. */
export interface CheckpointNetworks {
  readonly towers: readonly ClipTextModel[];
  readonly unet: UnetModel;
  readonly decoder: VaeModel;
}

/**
 * Builds all graphs; also the check that nothing is missing and that the parts fit together, since it reads no weights.
 * @throws EngineError `model-invalid` that names what is missing or what does not fit
 */
export function checkpointNetworks(parts: CheckpointParts): CheckpointNetworks {
  const networks = {
    towers: parts.towers.map((tower, index) => textNetwork(parts, tower, parts.config?.activations[index])),
    unet: unet(parts.unet, {
      heads: parts.config?.heads ?? FAMILIES[parts.family].heads,
      hooks: parts.attachments?.map(({ hooks }) => hooks) ?? [],
    }),
    decoder: vaeDecoder(parts.vae),
  };
  requireFit(parts, networks);
  return networks;
}

function textNetwork(
  { family }: CheckpointParts,
  { layout, weights, projection, use }: Tower,
  activation: 'quick-gelu' | 'gelu' | null | undefined,
): ClipTextModel {
  // OpenCLIP's towers have the exact function, also where they were renamed to the layout of CLIP.
  const isExact = layout === 'open-clip' || family === 'sd2' || use.isPooled;
  return clipText(weights, {
    activation: activation ?? (isExact ? 'gelu' : 'quick-gelu'),
    ...(use.isPooled ? { projection } : {}),
  });
}

function requireFit(
  { unet: { source }, task }: CheckpointParts,
  { towers, unet, decoder }: CheckpointNetworks,
): void {
  const textWidth = towers.reduce((sum, { width }) => sum + width, 0);
  const latents = unet.outputChannels;
  const misfits = [
    textWidth !== unet.contextWidth && `text encoders ${textWidth} wide, but a UNet for ${unet.contextWidth}`,
    decoder.latentChannels !== latents &&
      `a UNet for ${latents} channels of latents, but a VAE with ${decoder.latentChannels}`,
    task === 'text' &&
      unet.inputChannels !== latents &&
      `a UNet that makes ${latents} channels of ${unet.inputChannels}`,
  ];
  const misfit = misfits.find((text) => text !== false);
  if (misfit === undefined) return;
  throw new EngineError('model-invalid', `"${source.name}" has ${misfit}.`, {
    hint: 'The parts are from different models; look for another version of the file, or choose other files for its parts.',
  });
}
