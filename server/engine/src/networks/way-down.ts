import type { Weights } from '../weights/weights.ts';
import { block, type BlockContext, type Planes } from './unet-blocks.ts';

/** What the way down ends with. */
export interface WayDown {
  readonly x: Planes;
  /** What each block made, first to last. */
  readonly skips: readonly Planes[];
  /** Memory that a run takes for each latent pixel, about; a bit more than was measured. */
  readonly runBytesPerLatent: number;
}

/**
 * The first half of a UNet (`input_blocks`), and of a ControlNet.
 * @param after is done to what each block makes.
 */
export function wayDown(
  context: BlockContext,
  inputs: Weights,
  x: Planes,
  after: (index: number, x: Planes) => Planes,
): WayDown {
  const skips: Planes[] = [];
  let area = 1; // of the present level, in parts of the input's
  let runBytesPerLatent = 0;
  for (let index = 0; index < inputs.count; index += 1) {
    if (inputs.under(index).has('0.op.weight')) area /= 4;
    x = after(index, block(context, inputs.under(index), x, null));
    skips.push(x);
    // The skip itself, and the widest level's feed-forward layer: 4 widths, of which some 5 are alive at once.
    runBytesPerLatent = Math.max(runBytesPerLatent, 4 * area * 5 * 4 * x.channels);
  }
  return { x, skips, runBytesPerLatent: runBytesPerLatent + 4 * skips.length * (skips[0]?.channels ?? 0) };
}
