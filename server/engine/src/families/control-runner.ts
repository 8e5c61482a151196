import type { Latents } from '../diffusion/latents.ts';
import { EngineError } from '../errors.ts';
import type { ControlNetHintModel, ControlNetModel } from '../networks/controlnet.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import type { ControlInput, ControlNet, ControlResiduals } from './control-models.ts';
import type { PixelPlanes } from './diffusion-model.ts';
import { FAMILIES, type Family } from './family-facts.ts';
import { LazyNetwork, type NetworkOptions } from './lazy-network.ts';
import { imageDims, toLatents } from './planes.ts';
import { stepInputs } from './unet-inputs.ts';

export interface ControlNetParts {
  readonly family: Family;
  /** For messages. */
  readonly fileName: string;
  readonly network: ControlNetModel;
  readonly hint: ControlNetHintModel;
  readonly isPooled: boolean;
  readonly sources: readonly WeightSource[];
  readonly options: NetworkOptions;
}

export class ControlNetRunner implements ControlNet {
  readonly family: Family;
  readonly skips: number;
  readonly factor: number;
  readonly isPooled: boolean;
  readonly #fileName: string;
  readonly #network: LazyNetwork<ControlNetModel>;
  readonly #hint: LazyNetwork<ControlNetHintModel>;

  constructor({ family, fileName, network, hint, isPooled, sources, options }: ControlNetParts) {
    this.family = family;
    this.skips = network.skips;
    this.factor = hint.factor;
    this.isPooled = isPooled;
    this.#fileName = fileName;
    this.#network = new LazyNetwork('ControlNet', network, sources, options);
    this.#hint = new LazyNetwork('ControlNet hint', hint, sources, options);
  }

  async encodeHint(hint: PixelPlanes): Promise<Latents> {
    const pixels = { data: hint.data, dims: imageDims(hint, this.factor) };
    return toLatents(await this.#hint.runOne({ pixels }, 'hint'));
  }

  async evaluate({ x, timestep, context, hint, size }: ControlInput): Promise<ControlResiduals> {
    const { model } = this.#network;
    this.#requireFit(x, context.dims[2]);
    const [batch, , height, width] = x.dims;
    const { factor } = this;
    const purpose = `run the ControlNet for ${width * factor}x${height * factor} pixels`;
    await this.#network.reserve(purpose, model.runBytesPerLatent * batch * height * width);
    const skips = Array.from({ length: this.skips }, (_, index) => `skip${index}`);
    const inputs = { sample: x, hint, ...stepInputs({ x, timestep, context, size, factor }, model) };
    const outputs = await this.#network.run(inputs, [...skips, 'middle']);
    return {
      skips: skips.map((name) => toLatents(outputs[name]!)),
      middle: toLatents(outputs.middle!),
    };
  }

  #requireFit(x: Latents, textWidth: number): void {
    const { inputChannels, contextWidth } = this.#network.model;
    if (x.dims[1] === inputChannels && textWidth === contextWidth) return;
    throw new EngineError(
      'invalid-request',
      `"${this.#fileName}" is a ControlNet for ${FAMILIES[this.family].title} and does not fit this model.`,
      { hint: 'Choose a ControlNet that was made for the family of the checkpoint.' },
    );
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#network.dispose(), this.#hint.dispose()]);
  }
}
