import { EngineError } from '../errors.ts';
import { upscalerNetwork } from '../networks/upscaler.ts';
import type { UpscalerModel } from '../networks/upscaler-model.ts';
import { requireMemory } from '../onnx/memory.ts';
import { mapTiles } from '../tiles/map-tiles.ts';
import { padded, trimmed } from '../tiles/padding.ts';
import type { TilePlanes, TileProgress } from '../tiles/tiling.ts';
import { openWeights } from '../weights/open-weights.ts';
import { Weights } from '../weights/weights.ts';
import type { PixelPlanes } from './diffusion-model.ts';
import { LazyNetwork, type NetworkOptions } from './lazy-network.ts';
import { readAs } from './read-as.ts';

/** A network that enlarges pictures. */
export interface Upscaler {
  /** Its file's name, without folders and ending. */
  readonly name: string;
  /** Sides of the result for each of the picture's. */
  readonly scale: number;
  /** Enlarges a picture tile by tile, yielding after each; whoever stops asking stops the work. */
  tiles(pixels: PixelPlanes, options?: UpscaleTiling): AsyncGenerator<TileProgress, PixelPlanes>;
  /**
   * As `tiles`, all at once.
   * @throws the signal's reason once it is aborted; seen between tiles
   */
  upscale(pixels: PixelPlanes, options?: UpscaleOptions): Promise<PixelPlanes>;
  /** Frees native memory. */
  dispose(): Promise<void>;
}

export interface UpscaleTiling {
  /** Side of a tile in pixels of the picture; default 192. */
  readonly tile?: number;
  /** Pixels that neighbours share, over which one turns into the next; default 16. */
  readonly overlap?: number;
}

export interface UpscaleOptions extends UpscaleTiling {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TileProgress) => void;
}

const TILE = 192;
const OVERLAP = 16;
/** What a tile's side may be, so that neither the number of tiles nor the memory for one gets out of hand. */
const TILE_RANGE = { least: 32, most: 2048 };

/**
 * Opens an upscaler of the ESRGAN and Real-ESRGAN family, of any weight format; it is loaded when first used.
 * @throws EngineError `model-not-found` or `model-invalid`
 */
export async function openUpscaler(path: string, options: NetworkOptions = {}): Promise<Upscaler> {
  const source = await openWeights(path);
  const model = await readAs('upscaler', source, () => upscalerNetwork(new Weights(source)));
  return new NetworkUpscaler(
    source.name.replace(/\.[^.]+$/, ''),
    new LazyNetwork('upscaler', model, [source], options),
  );
}

class NetworkUpscaler implements Upscaler {
  readonly name: string;
  readonly scale: number;
  readonly #network: LazyNetwork<UpscalerModel>;

  constructor(name: string, network: LazyNetwork<UpscalerModel>) {
    this.name = name;
    this.scale = network.model.scale;
    this.#network = network;
  }

  async *tiles(
    pixels: PixelPlanes,
    { tile = TILE, overlap = OVERLAP }: UpscaleTiling = {},
  ): AsyncGenerator<TileProgress, PixelPlanes> {
    checkTiling(tile, overlap);
    const { scale, multiple } = this.#network.model;
    const planes = padded({ ...pixels, channels: 3 }, multiple);
    const side = Math.min(tile, Math.max(planes.height, planes.width));
    await requireMemory(
      `enlarge ${pixels.width}x${pixels.height} pixels ${scale} times`,
      this.#network.loadBytes +
        this.#network.model.runBytesPerPixel * side ** 2 +
        4 * planes.data.length * scale ** 2,
    );
    const tiling = { tile, overlap, step: multiple, scale, feather: overlap * scale };
    const enlarged = yield* mapTiles(planes, tiling, (part) => this.#run(part));
    return trimmed(enlarged, pixels.height * scale, pixels.width * scale);
  }

  async upscale(
    pixels: PixelPlanes,
    { signal, onProgress, ...tiling }: UpscaleOptions = {},
  ): Promise<PixelPlanes> {
    signal?.throwIfAborted();
    const tiles = this.tiles(pixels, tiling);
    for (;;) {
      const next = await tiles.next();
      if (next.done === true) return next.value;
      onProgress?.(next.value);
      signal?.throwIfAborted();
    }
  }

  dispose(): Promise<void> {
    return this.#network.dispose();
  }

  /** Pictures are −1…1 here, and 0…1 in the network. */
  async #run({ data, channels, height, width }: TilePlanes): Promise<TilePlanes> {
    const pixels = { data: data.map((value) => (value + 1) / 2), dims: [1, channels, height, width] };
    const result = await this.#network.runOne({ pixels }, 'enlarged');
    const [, colours = 0, rows = 0, columns = 0] = result.dims;
    return {
      data: result.data.map((value) => 2 * value - 1),
      channels: colours,
      height: rows,
      width: columns,
    };
  }
}

function checkTiling(tile: number, overlap: number): void {
  const { least, most } = TILE_RANGE;
  if (!Number.isInteger(tile) || tile < least || tile > most) {
    throw new EngineError(
      'invalid-request',
      `Expected tiles of ${least} to ${most} pixels but received ${tile}.`,
    );
  }
  if (!Number.isInteger(overlap) || overlap < 0 || overlap > tile / 2) {
    throw new EngineError(
      'invalid-request',
      `Expected tiles to overlap by 0 to ${Math.floor(tile / 2)} pixels but received ${overlap}.`,
    );
  }
}
