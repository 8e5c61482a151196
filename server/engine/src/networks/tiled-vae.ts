import { GraphBuilder } from '../onnx/graph.ts';
import type { Weights } from '../weights/weights.ts';
import * as parts from './vae-blocks.ts';
import { decoderHead, latentChannelsOf } from './vae-decoder-parts.ts';
import { encoderBack } from './vae-encoder-parts.ts';
import { addBlocks, addSecond, StageList, type Stage } from './vae-stages.ts';
import { decoderFactor, describe, encoderFactor, outputPosterior, type VaeModel } from './vae.ts';

/** A VAE's half for pictures that there is no memory for at once: the same network, the same result up to rounding. */
export interface TiledVae {
  /** The part at the size of the latents, with nearly all weights and the attention; computed whole. */
  readonly whole: VaeModel;
  /** The part on larger planes. */
  readonly stages: readonly Stage[];
  readonly factor: number;
  /** Memory for what is kept between stages, for each latent. A third to a half of `VaeModel.runBytesPerLatent`. */
  readonly keptBytesPerLatent: number;
}

/** `whole`: input `latents`, unscaled; output `planes`, which the stages turn into pixels. */
export function tiledDecoder(weights: Weights): TiledVae {
  const factor = decoderFactor(weights);
  const latentChannels = latentChannelsOf(weights);
  const graph = new GraphBuilder();
  const latents = graph.input('latents', 'float', ['batch', latentChannels, 'height', 'width']);
  const head = decoderHead({ graph }, weights, latents);
  graph.output('planes', head.value, ['batch', head.channels, 'height', 'width']);
  const whole = describe(graph, 'VAE decoder, head', { latentChannels, factor, largest: head.channels });

  const decoder = weights.under('decoder');
  const up = decoder.under('up');
  const list = new StageList('VAE decoder', head.channels, 1);
  for (let level = parts.levelsOf(up) - 1; level > 0; level -= 1) {
    const upsample = up.under(level).under('upsample').under('conv');
    const next = up.under(level - 1);
    const first = next.under('block').under(0);
    const isWidthChanged = first.under('nin_shortcut').has('weight');
    if (level === 1 && isWidthChanged) addWidestBlock(list, upsample, first);
    else
      list.add({ reads: ['x'], margin: 1, scale: 2 }, (scope, { x }) => ({
        x: parts.upsampled(scope, upsample, x),
      }));
    addBlocks(list, next, level === 1 && isWidthChanged ? 1 : 0);
  }
  list.add({ reads: ['x'], margin: 1, normOf: 'x' }, (scope, { x }) => ({
    x: parts.convolved(
      scope,
      decoder.under('conv_out'),
      parts.activated(scope, decoder.under('norm_out'), x),
    ),
  }));
  return { whole, factor, stages: list.stages, keptBytesPerLatent: keptBytes(list.stages) };
}

/**
 * The last enlargement is computed twice, once for its statistics, rather than kept: its planes are as large as all others
 * together. That is 7 % more work.
 */
function addWidestBlock(list: StageList, upsample: Weights, block: Weights): void {
  list.add({ reads: ['x'], margin: 1, scale: 2, forgets: ['enlarged'] }, (scope, { x }) => ({
    enlarged: parts.upsampled(scope, upsample, x),
  }));
  list.add({ reads: ['x'], margin: 1, scale: 2, normOf: 'enlarged' }, (scope, { x }) => {
    const enlarged = parts.upsampled(scope, upsample, x);
    return { inner: parts.residualFirst(scope, block, enlarged), x: parts.skipped(scope, block, enlarged) };
  });
  addSecond(list, block);
}

/** The stages turn pixels in −1…1 into planes; `whole`: input `planes`, outputs `mean` and `logvar`. */
export function tiledEncoder(weights: Weights): TiledVae {
  const factor = encoderFactor(weights);
  const encoder = weights.under('encoder');
  const down = encoder.under('down');
  const list = new StageList('VAE encoder', 3, factor ** 2);
  list.add({ reads: ['x'], margin: 1 }, (scope, { x }) => ({
    x: parts.convolved(scope, encoder.under('conv_in'), x),
  }));
  for (let level = 0; level < parts.levelsOf(down) - 1; level += 1) {
    addBlocks(list, down.under(level));
    const downsample = down.under(level).under('downsample').under('conv');
    list.add({ reads: ['x'], margin: 2, scale: 0.5 }, (scope, { x }) => ({
      x: parts.halved(scope, downsample, x),
    }));
  }

  const graph = new GraphBuilder();
  const { channels } = list;
  const value = graph.input('planes', 'float', ['batch', channels, 'height', 'width']);
  const latentChannels = outputPosterior(graph, encoderBack({ graph }, weights, { value, channels }));
  const whole = describe(graph, 'VAE encoder, back', { latentChannels, factor, largest: channels });
  return { whole, factor, stages: list.stages, keptBytesPerLatent: keptBytes(list.stages) };
}

function keptBytes(stages: readonly Stage[]): number {
  return 4 * Math.max(...stages.map(({ keptPerLatent }) => keptPerLatent));
}
