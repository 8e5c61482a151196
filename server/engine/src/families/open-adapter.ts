import type { Latents } from '../diffusion/latents.ts';
import { EngineError } from '../errors.ts';
import { diffusersToOriginalAdapter } from '../naming/adapter-names.ts';
import { t2iAdapter, type T2iAdapterModel } from '../networks/t2i-adapter.ts';
import { openModelWeights } from '../weights/open-model-weights.ts';
import { renamedSource } from '../weights/renamed-source.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import { Weights } from '../weights/weights.ts';
import type { T2iAdapter } from './control-models.ts';
import type { PixelPlanes } from './diffusion-model.ts';
import { LazyNetwork, type NetworkOptions } from './lazy-network.ts';
import { imageDims, toLatents } from './planes.ts';
import { readAs } from './read-as.ts';

/**
 * Opens a T2I-Adapter where it lies: a file in the layout of the original code or in diffusers' spelling, full or light, or
 * a diffusers folder. It is loaded when first used.
 * @throws EngineError `model-not-found`, or `model-invalid` that says what the file is or lacks
 */
export async function openAdapter(path: string, options: NetworkOptions = {}): Promise<T2iAdapter> {
  const { source } = await openModelWeights(path);
  const model = await readAs('t2i-adapter', source, () => t2iAdapter(locateAdapter(source)));
  return new AdapterRunner(new LazyNetwork('T2I-Adapter', model, [source], options));
}

function locateAdapter(source: WeightSource): Weights {
  const { tensors } = source;
  if (tensors.has('adapter.body.0.resnets.0.block1.weight')) {
    return new Weights(renamedSource(source, diffusersToOriginalAdapter(tensors.keys())));
  }
  const names = ['body.0.block1.weight', 'body.0.body.0.block1.weight'];
  const prefix = ['', 'adapter.', 'model.'].find((before) =>
    names.some((name) => tensors.has(before + name)),
  );
  if (prefix !== undefined) return new Weights(source, prefix);
  const isStyle = tensors.has('transformer_layes.0.attn.in_proj_weight'); // spelled so in the files
  throw new EngineError(
    'model-invalid',
    isStyle
      ? `"${source.name}" is a style adapter, which is not supported.`
      : `"${source.name}" is not a T2I-Adapter.`,
    { hint: 'Full and light adapters for Stable Diffusion 1.x and SDXL are supported.' },
  );
}

class AdapterRunner implements T2iAdapter {
  readonly factor: number;
  readonly #network: LazyNetwork<T2iAdapterModel>;

  constructor(network: LazyNetwork<T2iAdapterModel>) {
    this.factor = network.model.factor;
    this.#network = network;
  }

  async features(hint: PixelPlanes): Promise<readonly Latents[]> {
    const { hintChannels, features } = this.#network.model;
    const blocks = pixelBlocks(hint, this.factor, hintChannels);
    const names = Array.from({ length: features }, (_, index) => `feature${index}`);
    const outputs = await this.#network.run({ blocks }, names);
    return names.map((name) => toLatents(outputs[name]!));
  }

  dispose(): Promise<void> {
    return this.#network.dispose();
  }
}

/**
 * Every block of `factor` x `factor` pixels as one with so many times the channels, a channel's pixels side by side row by
 * row. Shi et al. 2016, arXiv:1609.05158, the other way round. Of gray hints, whose planes are the same, the first is taken.
 */
function pixelBlocks(hint: PixelPlanes, factor: number, channels: number): Latents {
  imageDims(hint, factor); // checks its sides
  const [height, width] = [hint.height / factor, hint.width / factor];
  const area = height * width;
  const data = new Float32Array(channels * hint.height * hint.width);
  for (let channel = 0; channel < channels; channel += 1) {
    for (let y = 0; y < hint.height; y += 1) {
      for (let x = 0; x < hint.width; x += 1) {
        const plane = (channel * factor + (y % factor)) * factor + (x % factor);
        const at = Math.floor(y / factor) * width + Math.floor(x / factor);
        data[plane * area + at] = hint.data[(channel * hint.height + y) * hint.width + x] ?? 0;
      }
    }
  }
  return { data, dims: [1, channels * factor * factor, height, width] };
}
