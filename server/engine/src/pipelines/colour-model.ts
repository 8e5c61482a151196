import type { Latents } from '../diffusion/latents.ts';
import type { DiffusionModel, Guides, PixelPlanes, TextConditioning } from '../families/diffusion-model.ts';
import type { UnetTask } from '../families/family-facts.ts';

const WIDTH = 6;

/**
 * For tests: a small model without weights. It knows one picture, whose colour depends on the prompt, and takes everything
 * else in its latents for noise. Pictures are encoded as the brightness of every eighth pixel.
 */
export class ColourModel implements DiffusionModel {
  readonly card = {
    family: 'sd1' as const,
    task: 'text' as const,
    title: null,
    description: null,
    usageHint: null,
    licence: null,
    samplePrompts: [],
    defaults: { width: 64, height: 128, steps: 4, sampler: 'Euler' },
    parameters: { textEncoder: 0, unet: 0, vae: 0 },
  };
  readonly loras = [];
  readonly hypernetworks = [];
  readonly textWidths = [];
  task: UnetTask = 'text';
  readonly prediction = 'epsilon';
  readonly noise = { betaStart: 0.00085, betaEnd: 0.012, isZeroTerminal: false };
  readonly latentChannels = 4;
  readonly latentScale = 1;
  readonly factor = 8;
  readonly latentToRgb = {
    weight: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0, 0, 0],
    ] as const,
    bias: [0.5, 0.5, 0.5] as const,
  };
  readonly calls: string[] = [];
  /** What it was given besides latents and text, evaluation by evaluation. */
  readonly guides: Guides[] = [];
  onPredict: (count: number) => void = () => {};
  onEncode: () => void = () => {};

  async encodeText(tokenIds: Int32Array): Promise<TextConditioning> {
    this.calls.push('encodeText');
    const data = new Float32Array(77 * WIDTH).fill((tokenIds[1]! % 100) / 100);
    return { data, dims: [1, 77, WIDTH] };
  }

  async predict(
    x: Latents,
    timestep: number,
    context: TextConditioning,
    guides: Guides = {},
  ): Promise<Latents> {
    this.calls.push('predict');
    this.guides.push(guides);
    this.onPredict(this.calls.filter((call) => call === 'predict').length);
    // The noise that is left when the picture, a flat colour, is taken away at this timestep.
    const alpha = Math.max(1 - timestep / 1000, 0.01);
    const colour = context.data[0]!;
    return {
      data: x.data.map((value) => (value - Math.sqrt(alpha) * colour) / Math.sqrt(1 - alpha + 1e-3)),
      dims: x.dims,
    };
  }

  async decode({ data, dims: [, , height, width] }: Latents): Promise<PixelPlanes> {
    this.calls.push('decode');
    const pixels = new Float32Array(3 * 64 * height * width).fill(data[0]!);
    return { data: pixels, height: 8 * height, width: 8 * width };
  }

  async encodeImage({ data, height, width }: PixelPlanes): Promise<{ mean: Latents; logvar: Latents }> {
    this.calls.push('encodeImage');
    this.onEncode();
    const dims = [1, 4, height / 8, width / 8] as const;
    const mean = Float32Array.from({ length: 4 * dims[2] * dims[3] }, (_, i) => {
      const place = i % (dims[2] * dims[3]);
      return data[8 * Math.floor(place / dims[3]) * width + 8 * (place % dims[3])]!;
    });
    return { mean: { data: mean, dims }, logvar: { data: new Float32Array(mean.length).fill(-30), dims } };
  }

  async load(onNetwork?: (name: string) => void): Promise<void> {
    for (const name of ['text encoder', 'UNet', 'VAE decoder']) {
      onNetwork?.(name);
      await Promise.resolve();
    }
  }

  async dispose(): Promise<void> {}
}
