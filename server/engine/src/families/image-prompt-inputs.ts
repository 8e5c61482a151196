import type { Array32 } from '../onnx/session.ts';
import { imagePromptNames } from '../networks/ip-adapter.ts';
import { repeated } from './unet-inputs.ts';

/** What an image prompt is given for an evaluation. */
export interface ImagePromptUse {
  /** [1, tokens, width]. */
  readonly tokens: Array32;
  readonly weight: number;
  /** Pictures in the batch. */
  readonly batch: number;
}

/** Inputs of a UNet for the image prompt that it was opened with at place `index`. */
export function imagePromptInputs(
  index: number,
  { tokens, weight, batch }: ImagePromptUse,
): Record<string, Array32> {
  const names = imagePromptNames(index);
  const [, count = 0, width = 0] = tokens.dims;
  return {
    [names.tokens]: { data: repeated(tokens.data, batch), dims: [batch, count, width] },
    [names.weight]: { data: Float32Array.of(weight), dims: [1] },
  };
}
