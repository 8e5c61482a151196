import { GraphBuilder, type OnnxModel, type Value } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import { levelsOf, type Planes } from './vae-blocks.ts';
import * as decoderParts from './vae-decoder-parts.ts';
import * as encoderParts from './vae-encoder-parts.ts';

export interface VaeModel extends OnnxModel {
  readonly latentChannels: number;
  /** Pixels along the side of one latent. */
  readonly factor: number;
  /** Memory that a run takes for each latent pixel, about: at most four of the largest planes are alive at once. */
  readonly runBytesPerLatent: number;
}
/** Measured at 512x512, with a largest plane of 256 MiB: 0.9 GB for the decoder; 128 MiB and 0.5 GB for the encoder. */
const PLANES_ALIVE = 4;
/** The log-variance is kept in this range, as the original does, so that its exponential is finite. */
const LOGVAR_RANGE = [-30, 20] as const;

/**
 * Decoder of the VAE of Stable Diffusion. Rombach et al. 2022, arXiv:2112.10752, layout of the original code
 * (`decoder.*`, `post_quant_conv`).
 *
 * Input `latents`, unscaled, [batch, channels, height, width]; output `pixels` [batch, 3, factor · height, factor · width].
 */
export function vaeDecoder(weights: Weights): VaeModel {
  const graph = new GraphBuilder();
  const latentChannels = decoderParts.latentChannelsOf(weights);
  const latents = graph.input('latents', 'float', ['batch', latentChannels, 'height', 'width']);
  const head = decoderParts.decoderHead({ graph }, weights, latents);
  const pixels = decoderParts.decoderTail({ graph }, weights, head);
  graph.output('pixels', pixels, ['batch', 3, 'pixel_height', 'pixel_width']);
  const largest = decoderParts.largestPlane(weights);
  return describe(graph, 'VAE decoder', { latentChannels, factor: decoderFactor(weights), largest });
}

/**
 * Encoder of the same VAE (`encoder.*`, `quant_conv`).
 *
 * Input `pixels` in −1…1 [batch, 3, height, width]; outputs `mean` and `logvar` of the posterior, unscaled.
 */
export function vaeEncoder(weights: Weights): VaeModel {
  const graph = new GraphBuilder();
  const pixels = graph.input('pixels', 'float', ['batch', 3, 'pixel_height', 'pixel_width']);
  const front = encoderParts.encoderFront({ graph }, weights, pixels);
  const moments = encoderParts.encoderBack({ graph }, weights, front);
  const latentChannels = outputPosterior(graph, moments);
  const largest = encoderParts.largestPlane(weights);
  return describe(graph, 'VAE encoder', { latentChannels, factor: encoderFactor(weights), largest });
}

/** Outputs `mean` and `logvar`; returns how many channels each has. */
export function outputPosterior(graph: GraphBuilder, { value, channels }: Planes): number {
  const [mean, logvar] = graph.op2('Split', [value], { axis: 1, num_outputs: 2 });
  const [low, high] = LOGVAR_RANGE.map((limit) => graph.floats([limit], [])) as [Value, Value];
  const dims = ['batch', channels / 2, 'height', 'width'];
  graph.output('mean', mean, dims);
  graph.output('logvar', graph.op('Clip', [logvar, low, high]), dims);
  return channels / 2;
}

export function decoderFactor(weights: Weights): number {
  return 2 ** (levelsOf(weights.under('decoder').under('up')) - 1);
}

export function encoderFactor(weights: Weights): number {
  return 2 ** (levelsOf(weights.under('encoder').under('down')) - 1);
}

/** @param largest values of the largest plane for each latent */
export function describe(
  graph: GraphBuilder,
  name: string,
  { largest, ...facts }: { latentChannels: number; factor: number; largest: number },
): VaeModel {
  return {
    ...graph.build(name),
    ...facts,
    blocksChannels: true,
    runBytesPerLatent: 4 * PLANES_ALIVE * largest,
  };
}
