import sharp from 'sharp';
import { expect } from 'vitest';
import type { GenerationEvent } from '../../../engine/src/pipelines/generation-types.ts';
import type { GreyImage, RgbImage } from '../../../engine/src/pixels/image.ts';
import {
  goldenJson,
  goldenPath,
  goldenTensors,
  maxDifference,
  type GoldenTensor,
} from '../diffusion/goldens.ts';
import { Comparison, golden } from '../report/measure.ts';

/** A whole picture of the reference, and what it was made of. */
export interface Run {
  id: string;
  engine: 'diffusers' | 'webui';
  kind: string;
  prompt: string;
  negative: string | null;
  steps: number;
  height?: number;
  width?: number;
  guidance: number;
  clip_skip?: number;
  seed: number;
  strength?: number;
  scheduler?: string;
  sampler?: string;
  schedule?: string;
  init?: string;
  mask?: string;
  hint?: string;
  control_weight?: number;
  control_start?: number;
  control_end?: number;
  guess_mode?: boolean;
  adapter_weight?: number;
  lora?: { file: string; weight: number }[];
  hires_height?: number;
  hires_width?: number;
  hires_steps?: number;
  denoising?: number;
  original_size?: [number, number];
  target_size?: [number, number];
  crop?: [number, number];
  png: string;
  latents_std: number;
}

/** What diffusers calls a scheduler is a sampler with its schedule. */
const DIFFUSERS: Record<string, { sampler: string; scheduler?: string }> = {
  ddim: { sampler: 'DDIM' },
  euler: { sampler: 'Euler' },
  euler_a: { sampler: 'Euler a' },
  pndm: { sampler: 'PLMS' },
  dpmpp_2m_karras: { sampler: 'DPM++ 2M', scheduler: 'Karras' },
};

const ENGINES = { diffusers: 'diffusers 0.42.1', webui: "webui 1.10's rules over k-diffusion 0.1.1" };

/** What the report calls the runs of a family, and their kinds. */
const FAMILIES: Record<string, string> = {
  sd1: 'SD 1.x',
  sd2: 'SD 2.x',
  sdxl: 'SDXL',
  inpaint: 'SD 1.x with 9 channels',
  depth: 'SD 2.x with depth',
};
const KINDS: Record<string, string> = {
  txt2img: 'text to image',
  'txt2img-hires': 'second, larger pass',
  img2img: 'image to image',
  depth2img: 'image to image',
  control: 'ControlNet',
  adapter: 'T2I-Adapter',
  inpaint9: 'inpainting',
  'inpaint-blend': 'inpainting',
  'inpaint-masked': 'inpainting',
  'inpaint-legacy': 'inpainting, the picture itself kept',
};

/** The runs of a family and the tensors that go with them. */
export class GoldenRuns {
  readonly runs: readonly Run[];
  readonly tensors: ReadonlyMap<string, GoldenTensor>;
  readonly #folder: string;
  readonly #family: string;

  constructor(family: string) {
    this.#family = FAMILIES[family] ?? family;
    this.#folder = `families/${family}/`;
    this.runs = goldenJson<{ runs: Run[] }>(`${this.#folder}runs.json`).runs;
    this.tensors = goldenTensors(`${this.#folder}runs.safetensors`);
  }

  ofKind(...kinds: string[]): Run[] {
    return this.runs.filter(({ kind }) => kinds.includes(kind));
  }

  /** What every request of a run has. */
  request(run: Run) {
    const {
      prompt,
      negative,
      steps,
      guidance: cfgScale,
      seed,
      engine: conventions,
      clip_skip: clipSkip,
    } = run;
    const choice =
      conventions === 'webui'
        ? { sampler: run.sampler!, scheduler: run.schedule! }
        : DIFFUSERS[run.scheduler!]!;
    return {
      ...{ prompt, steps, cfgScale, seed, conventions, ...choice },
      ...(negative !== null && { negativePrompt: negative }),
      ...(run.width && run.height && { width: run.width, height: run.height }),
      ...(clipSkip !== undefined && { clipSkip }),
      ...(run.strength !== undefined && { strength: run.strength }),
      ...(run.original_size && {
        size: { original: run.original_size, crop: run.crop!, target: run.target_size! },
      }),
    };
  }

  async image(name: string): Promise<RgbImage> {
    const { data, info } = await sharp(goldenPath(this.#folder + name))
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info.channels).toBe(3);
    return { data: new Uint8Array(data), width: info.width, height: info.height };
  }

  async mask(name: string): Promise<GreyImage> {
    const { data, info } = await sharp(goldenPath(this.#folder + name))
      .removeAlpha()
      .toColourspace('b-w')
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info.channels).toBe(1);
    return { data: new Uint8Array(data), width: info.width, height: info.height };
  }

  tensor(name: string): GoldenTensor {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new Error(`There is no tensor ${name}.`);
    return tensor;
  }

  /**
   * Holds latents and picture to the reference. Other float32 kernels move the reference itself by 1.4e-5 of the standard
   * deviation, at most 1.3e-4, and no pixel by more than 1 of 255.
   */
  async expectSame(run: Run, events: AsyncIterable<GenerationEvent>): Promise<void> {
    const { latents, image } = await pictureOf(events);
    const expected = this.tensor(`${run.id}.latents`);
    expect(latents.dims).toEqual(expected.shape);
    const error = maxDifference(latents.data, expected.data) / run.latents_std;
    const png = await this.image(run.png);
    const pixels = maxDifference(image.data, png.data);
    const compared = this.#comparison(run);
    compared.within(error, 1e-3, 'std');
    expect([image.width, image.height]).toEqual([png.width, png.height]);
    compared.within(pixels, 2, 'level');
    const total = image.data.reduce((sum, byte, i) => sum + Math.abs(byte - png.data[i]!), 0);
    compared.within(total / png.data.length, 0.02, 'mean level');
  }

  #comparison({ kind, lora, engine }: Run): Comparison {
    const pipeline = (KINDS[kind] ?? kind) + (lora === undefined ? '' : ' with a LoRA');
    return new Comparison('Whole pictures', `${this.#family}, ${pipeline}`, golden(ENGINES[engine]));
  }
}

/** The last event of a pipeline. */
export async function pictureOf(events: AsyncIterable<GenerationEvent>) {
  for await (const event of events) if (event.type === 'image') return event;
  throw new Error('no picture came');
}
