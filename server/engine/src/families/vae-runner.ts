import type { Latents } from '../diffusion/latents.ts';
import { EngineError } from '../errors.ts';
import { vaeEncoder, type VaeModel } from '../networks/vae.ts';
import type { Weights } from '../weights/weights.ts';
import type { PixelPlanes } from './diffusion-model.ts';
import { LazyNetwork, type NetworkOptions } from './lazy-network.ts';
import { imageDims, toLatents, toPlanes } from './planes.ts';
import { TiledDecoder, TiledEncoder } from './tiled-vae-runner.ts';

/** The two halves of a VAE, between pixels and latents; in tiles where there is no memory for the whole at once. */
export class VaeRunner {
  readonly decoder: LazyNetwork<VaeModel>;
  readonly #weights: Weights;
  readonly #scale: number;
  readonly #options: NetworkOptions;
  /** Its weights may be left out of a file, so it is looked for when it is needed. */
  #encoder: LazyNetwork<VaeModel> | null = null;
  #tiledDecoder: TiledDecoder | null = null;
  #tiledEncoder: TiledEncoder | null = null;

  /** @param scale from the VAE's latents to those of the sampler */
  constructor(decoder: VaeModel, weights: Weights, scale: number, options: NetworkOptions) {
    this.decoder = new LazyNetwork('VAE decoder', decoder, [weights.source], options);
    this.#weights = weights;
    this.#scale = scale;
    this.#options = options;
  }

  /** See `DiffusionModel.decode`. */
  async decode(latents: Latents): Promise<PixelPlanes> {
    const { latentChannels, factor } = this.decoder.model;
    const [batch, channels, height, width] = latents.dims;
    if (batch !== 1 || channels !== latentChannels) {
      throw new RangeError(`Expected latents of one picture but received dims ${latents.dims.join(', ')}.`);
    }
    const unscaled = { data: latents.data.map((value) => value / this.#scale), dims: latents.dims };
    const purpose = `draw ${width * factor}x${height * factor} pixels`;
    if (await this.#fits(this.decoder, purpose, height * width)) {
      return toPlanes(await this.decoder.runOne({ latents: unscaled }, 'pixels'));
    }
    this.#tiledDecoder ??= new TiledDecoder(this.#weights, this.#options);
    return resultOf(this.#tiledDecoder.decode(unscaled));
  }

  /** See `DiffusionModel.encodeImage`. */
  async encode(pixels: PixelPlanes): Promise<{ mean: Latents; logvar: Latents }> {
    const { source } = this.#weights;
    this.#encoder ??= new LazyNetwork('VAE encoder', vaeEncoder(this.#weights), [source], this.#options);
    const { factor } = this.#encoder.model;
    const dims = imageDims(pixels, factor);
    const { width, height } = pixels;
    if (await this.#fits(this.#encoder, `read ${width}x${height} pixels`, (height * width) / factor ** 2)) {
      const inputs = { pixels: { data: pixels.data, dims } };
      const { mean, logvar } = await this.#encoder.run(inputs, ['mean', 'logvar']);
      return { mean: toLatents(mean), logvar: toLatents(logvar) };
    }
    this.#tiledEncoder ??= new TiledEncoder(this.#weights, this.#options);
    return resultOf(this.#tiledEncoder.encode(pixels));
  }

  async dispose(): Promise<void> {
    await Promise.all([
      this.decoder.dispose(),
      this.#encoder?.dispose(),
      this.#tiledDecoder?.dispose(),
      this.#tiledEncoder?.dispose(),
    ]);
  }

  /** Whether there is memory for the whole at once, be it by closing what is not in use. */
  async #fits(network: LazyNetwork<VaeModel>, purpose: string, latents: number): Promise<boolean> {
    const bytes = network.model.runBytesPerLatent * latents;
    if (bytes > (this.#options.vaeBytes ?? Infinity)) return false;
    try {
      await network.reserve(purpose, bytes);
      return true;
    } catch (error) {
      if (error instanceof EngineError && error.code === 'out-of-memory') return false;
      throw error;
    }
  }
}

async function resultOf<Value>(work: AsyncGenerator<unknown, Value>): Promise<Value> {
  for (;;) {
    const next = await work.next();
    if (next.done === true) return next.value;
  }
}
