import type { Latents } from '../diffusion/latents.ts';
import { tiledDecoder, tiledEncoder, type TiledVae } from '../networks/tiled-vae.ts';
import type { Stage } from '../networks/vae-stages.ts';
import type { Array32 } from '../onnx/session.ts';
import { runStages } from '../tiles/run-stages.ts';
import type { TilePlanes, TileProgress } from '../tiles/tiling.ts';
import type { Weights } from '../weights/weights.ts';
import type { PixelPlanes } from './diffusion-model.ts';
import { LazyNetwork, type NetworkOptions } from './lazy-network.ts';
import { imageDims, toLatents, toPlanes } from './planes.ts';

/** Side of a tile in pixels of its level. */
const TILE = 256;
/** What a tile takes, whatever the picture's size: four planes of 512 channels. */
const TILE_BYTES = 4 * 512 * 4 * TILE ** 2;

/** One half of a VAE in tiles: a third of the memory, the same picture. */
class TiledRunner {
  readonly whole: LazyNetwork<TiledVae['whole']>;
  readonly model: TiledVae;
  readonly #stages: Map<Stage, LazyNetwork<Stage['model']>>;

  constructor(name: string, model: TiledVae, weights: Weights, options: NetworkOptions) {
    const sources = [weights.source];
    this.model = model;
    this.whole = new LazyNetwork(name, model.whole, sources, options);
    this.#stages = new Map(
      model.stages.map((stage) => [stage, new LazyNetwork(name, stage.model, sources, options)]),
    );
  }

  /** @throws EngineError `out-of-memory` with the numbers, if even tiles do not fit */
  reserve(purpose: string, latents: number): Promise<void> {
    return this.whole.reserve(purpose, this.model.keptBytesPerLatent * latents + TILE_BYTES);
  }

  run(start: TilePlanes, tile: number): AsyncGenerator<TileProgress, TilePlanes> {
    return runStages(this.model.stages, start, tile, async (stage, inputs, statistics) => {
      const feeds: Record<string, Array32> = {};
      for (const [name, planes] of inputs) feeds[name] = toArray(planes);
      if (statistics !== null)
        feeds['statistics'] = { data: statistics, dims: [2, 1, statistics.length / 2, 1] };
      const names = stage.writes.map((name) => `new_${name}`);
      const results = await this.#stages.get(stage)!.run(feeds, names);
      return new Map(stage.writes.map((name) => [name, toTile(results[`new_${name}`]!)]));
    });
  }

  async dispose(): Promise<void> {
    await Promise.all([this.whole, ...this.#stages.values()].map((network) => network.dispose()));
  }
}

/** A VAE's decoder in tiles. */
export class TiledDecoder {
  readonly #runner: TiledRunner;

  constructor(weights: Weights, options: NetworkOptions) {
    this.#runner = new TiledRunner('VAE decoder', tiledDecoder(weights), weights, options);
  }

  get model(): TiledVae {
    return this.#runner.model;
  }

  /** Unscaled latents of one picture to pixels, yielding after each tile; whoever stops asking stops the work. */
  async *decode(latents: Latents, tile = TILE): AsyncGenerator<TileProgress, PixelPlanes> {
    const [, , height, width] = latents.dims;
    const { factor } = this.#runner.model;
    const purpose = `draw ${width * factor}x${height * factor} pixels in tiles`;
    await this.#runner.reserve(purpose, height * width);
    const head = await this.#runner.whole.runOne({ latents }, 'planes');
    const pixels = yield* this.#runner.run(toTile(head), tile);
    return { data: pixels.data, height: pixels.height, width: pixels.width };
  }

  dispose(): Promise<void> {
    return this.#runner.dispose();
  }
}

/** A VAE's encoder in tiles. */
export class TiledEncoder {
  readonly #runner: TiledRunner;

  constructor(weights: Weights, options: NetworkOptions) {
    this.#runner = new TiledRunner('VAE encoder', tiledEncoder(weights), weights, options);
  }

  get model(): TiledVae {
    return this.#runner.model;
  }

  /** Pixels to the posterior, both unscaled, yielding after each tile. */
  async *encode(
    pixels: PixelPlanes,
    tile = TILE,
  ): AsyncGenerator<TileProgress, { mean: Latents; logvar: Latents }> {
    const { factor } = this.#runner.model;
    const [, , height, width] = imageDims(pixels, factor);
    await this.#runner.reserve(`read ${width}x${height} pixels in tiles`, (height * width) / factor ** 2);
    const planes = yield* this.#runner.run({ ...pixels, channels: 3 }, tile);
    const { mean, logvar } = await this.#runner.whole.run({ planes: toArray(planes) }, ['mean', 'logvar']);
    return { mean: toLatents(mean), logvar: toLatents(logvar) };
  }

  dispose(): Promise<void> {
    return this.#runner.dispose();
  }
}

function toArray({ data, channels, height, width }: TilePlanes): Array32 {
  return { data, dims: [1, channels, height, width] };
}

function toTile(array: Array32): TilePlanes {
  return { ...toPlanes(array), channels: array.dims[1] ?? 0 };
}
