import type { Latents } from '../diffusion/latents.ts';
import { vaeEncoder, type VaeModel } from '../networks/vae.ts';
import type { Weights } from '../weights/weights.ts';
import type { PixelPlanes } from './diffusion-model.ts';
import { LazyNetwork, type NetworkOptions } from './lazy-network.ts';
import { imageDims, toLatents, toPlanes } from './planes.ts';

/** The two halves of a VAE, between pixels and latents. */
export class VaeRunner {
  readonly decoder: LazyNetwork<VaeModel>;
  readonly #scale: number;
  /** Its weights may be left out of a file, so it is looked for when it is needed. */
  readonly #buildEncoder: () => LazyNetwork<VaeModel>;
  #encoder: LazyNetwork<VaeModel> | null = null;

  /** @param scale from the VAE's latents to those of the sampler */
  constructor(decoder: VaeModel, weights: Weights, scale: number, options: NetworkOptions) {
    this.decoder = new LazyNetwork('VAE decoder', decoder, [weights.source], options);
    this.#scale = scale;
    this.#buildEncoder = () => new LazyNetwork('VAE encoder', vaeEncoder(weights), [weights.source], options);
  }

  /** See `DiffusionModel.decode`. */
  async decode(latents: Latents): Promise<PixelPlanes> {
    const { latentChannels } = this.decoder.model;
    if (latents.dims[0] !== 1 || latents.dims[1] !== latentChannels) {
      throw new RangeError(`Expected latents of one picture but received dims ${latents.dims.join(', ')}.`);
    }
    const unscaled = { data: latents.data.map((value) => value / this.#scale), dims: latents.dims };
    return toPlanes(await this.decoder.runOne({ latents: unscaled }, 'pixels'));
  }

  /** See `DiffusionModel.encodeImage`. */
  async encode(pixels: PixelPlanes): Promise<{ mean: Latents; logvar: Latents }> {
    this.#encoder ??= this.#buildEncoder();
    const dims = imageDims(pixels, this.#encoder.model.factor);
    const { mean, logvar } = await this.#encoder.run({ pixels: { data: pixels.data, dims } }, [
      'mean',
      'logvar',
    ]);
    return { mean: toLatents(mean), logvar: toLatents(logvar) };
  }

  async dispose(): Promise<void> {
    await Promise.all([this.decoder.dispose(), this.#encoder?.dispose()]);
  }
}
