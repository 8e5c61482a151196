import type { GraphBuilder, OnnxModel } from '../onnx/graph.ts';

/** A network that enlarges pictures: input `pixels` in 0…1 [batch, 3, height, width], output `enlarged`. */
export interface UpscalerModel extends OnnxModel {
  /** Sides of the result for each of the input's. */
  readonly scale: number;
  /** Sides of the input must be multiples of this. */
  readonly multiple: number;
  /** Memory that a run takes for each pixel of the input, about. */
  readonly runBytesPerPixel: number;
}

/** Largest planes that are alive at once. */
const PLANES_ALIVE = 4;

/** @param width channels of the largest planes, which are as large as the result */
export function describeUpscaler(
  graph: GraphBuilder,
  name: string,
  { scale, multiple, width }: { scale: number; multiple: number; width: number },
): UpscalerModel {
  const runBytesPerPixel = 4 * PLANES_ALIVE * width * scale ** 2;
  return { ...graph.build(name), blocksChannels: true, scale, multiple, runBytesPerPixel };
}
