import { diffusersToLdmUnet } from '../naming/unet-names.ts';
import { diffusersToLdmVae } from '../naming/vae-names.ts';
import { hasOpenClip, openClipToTransformers } from '../naming/open-clip-names.ts';
import { renamedSource } from '../weights/renamed-source.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import { Weights } from '../weights/weights.ts';

/*
 * Where networks lie in a file, in any of the spellings in use. A file that spells them as diffusers does is seen through a
 * view with the names of the original code.
 */

/** In whole checkpoints; in files with a UNet alone, such as GGUF. */
const UNET_PREFIXES = ['model.diffusion_model.', ''] as const;
const VAE_PREFIXES = ['first_stage_model.', ''] as const;

export function locateUnet(source: WeightSource): Weights | null {
  const prefix = UNET_PREFIXES.find(
    (before) =>
      source.tensors.has(`${before}input_blocks.0.0.weight`) &&
      source.tensors.has(`${before}output_blocks.0.0.in_layers.0.weight`), // a ControlNet has none
  );
  if (prefix !== undefined) return new Weights(source, prefix);
  const isDiffusers =
    source.tensors.has('conv_in.weight') && source.tensors.has('time_embedding.linear_1.weight');
  if (!isDiffusers || source.tensors.has('controlnet_mid_block.weight')) return null;
  return new Weights(renamedSource(source, diffusersToLdmUnet(source.tensors.keys())));
}

/** The VAE of a checkpoint, or of a file that holds nothing else. */
export function locateVae(source: WeightSource): Weights | null {
  const prefix = VAE_PREFIXES.find((before) =>
    source.tensors.has(`${before}decoder.mid.block_1.norm1.weight`),
  );
  if (prefix !== undefined) return new Weights(source, prefix);
  if (!source.tensors.has('decoder.mid_block.resnets.0.norm1.weight')) return null;
  return new Weights(renamedSource(source, diffusersToLdmVae(source.tensors.keys())));
}

/** A text encoder, seen under the names of transformers. */
export interface TextPart {
  readonly layout: 'clip' | 'open-clip';
  /** What lies below `text_model.`. */
  readonly weights: Weights;
  /** Where the projection of the pooled vector lies. */
  readonly projection: Weights;
}

/** The text encoder of a file that holds nothing else, in the layout of transformers or of OpenCLIP. */
export function locateLoneText(source: WeightSource): TextPart | null {
  if (hasOpenClip(source, '') && source.tensors.has('token_embedding.weight')) {
    const view = openClipToTransformers(source, '');
    return { layout: 'open-clip', weights: new Weights(view, 'text_model.'), projection: new Weights(view) };
  }
  // Some versions of transformers leave `text_model.` out.
  const prefix = ['text_model.', ''].find((before) =>
    source.tensors.has(`${before}embeddings.token_embedding.weight`),
  );
  if (prefix === undefined) return null;
  return { layout: 'clip', weights: new Weights(source, prefix), projection: new Weights(source) };
}

/** The text encoder below `prefix`, in the layout of transformers or of OpenCLIP. */
export function locateText(source: WeightSource, prefix: string): TextPart | null {
  const openClip = `${prefix}model.`;
  if (hasOpenClip(source, openClip)) {
    const view = openClipToTransformers(source, openClip);
    return { layout: 'open-clip', weights: new Weights(view, 'text_model.'), projection: new Weights(view) };
  }
  // The second is in files written with old versions of transformers.
  for (const path of [`${prefix}transformer.text_model.`, `${prefix}transformer.`]) {
    if (!source.tensors.has(`${path}embeddings.token_embedding.weight`)) continue;
    const projection = new Weights(source, `${prefix}transformer.`);
    return { layout: 'clip', weights: new Weights(source, path), projection };
  }
  return null;
}
