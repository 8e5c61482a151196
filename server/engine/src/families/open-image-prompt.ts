import { EngineError } from '../errors.ts';
import type { AttentionHooks } from '../networks/attention-hooks.ts';
import type { ClipVisionModel } from '../networks/clip-vision.ts';
import { imageProjection, type ImageProjectionModel } from '../networks/image-projection.ts';
import { imagePromptHooks, type ImagePromptPlace } from '../networks/ip-adapter.ts';
import type { Array32 } from '../onnx/session.ts';
import type { RgbImage } from '../pixels/image.ts';
import { openWeights } from '../weights/open-weights.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import { Weights } from '../weights/weights.ts';
import { clipPixels } from './clip-pixels.ts';
import type { ImagePrompt, ImageTokens } from './control-models.ts';
import { LazyNetwork, type NetworkOptions } from './lazy-network.ts';
import { openClipVision } from './open-clip-vision.ts';
import { readAs } from './read-as.ts';

/**
 * Opens an IP-Adapter (plain, plus or full-face) and the CLIP vision tower that it goes by. Pass it to `openCheckpoint` as one
 * of `imagePrompts`, which builds it into the UNet; what it says of pictures then goes in with each evaluation.
 * @param vision the tower's file, or its folder with a configuration
 * @throws EngineError `model-not-found`, or `model-invalid` that says what a file is, lacks or does not fit
 */
export async function openImagePrompt(
  path: string,
  vision: string,
  options: NetworkOptions = {},
): Promise<ImagePrompt> {
  const source = await openWeights(path);
  const projection = await readAs('ip-adapter', source, () => projectionIn(source));
  const tower = await openClipVision(vision, options);
  const { width, projectedWidth } = tower.model;
  const given = projection.feature === 'embeds' ? projectedWidth : width;
  if (given !== projection.featureWidth) {
    throw new EngineError(
      'model-invalid',
      `"${source.name}" takes features ${projection.featureWidth} wide, but this vision tower's are ${given} wide.`,
      {
        hint: 'IP-Adapters for SD 1.x and those named vit-h go by CLIP ViT-H/14, the others for SDXL by ViT-bigG/14.',
      },
    );
  }
  const network = new LazyNetwork('image prompt', projection, [source], options);
  return new ImagePromptRunner(source, network, tower);
}

function projectionIn(source: WeightSource): ImageProjectionModel {
  const weights = new Weights(source);
  if (weights.under('image_proj').isEmpty || weights.under('ip_adapter').isEmpty) {
    throw new EngineError('model-invalid', `"${source.name}" is not an IP-Adapter.`, {
      hint: 'IP-Adapters for Stable Diffusion 1.x and SDXL in the layout of the original code are supported.',
    });
  }
  return imageProjection(weights.under('image_proj'));
}

class ImagePromptRunner implements ImagePrompt {
  readonly source: WeightSource;
  readonly #projection: LazyNetwork<ImageProjectionModel>;
  readonly #tower: LazyNetwork<ClipVisionModel>;

  constructor(
    source: WeightSource,
    projection: LazyNetwork<ImageProjectionModel>,
    tower: LazyNetwork<ClipVisionModel>,
  ) {
    this.source = source;
    this.#projection = projection;
    this.#tower = tower;
  }

  hooks(place: ImagePromptPlace): AttentionHooks {
    return imagePromptHooks(new Weights(this.source, 'ip_adapter.'), place);
  }

  async encode(pictures: readonly RgbImage[]): Promise<ImageTokens> {
    const cond: Array32[] = [];
    for (const picture of pictures) cond.push(await this.#tokens(await this.#features(picture)));
    const none = await this.#tokens(await this.#nothing());
    return { cond: inARow(cond), uncond: inARow(pictures.map(() => none)) };
  }

  async #features(picture: RgbImage): Promise<Array32> {
    const pixels = clipPixels(picture, this.#tower.model.side);
    return this.#tower.runOne({ pixels }, this.#projection.model.feature);
  }

  /** Of no picture: no vector, or what the tower makes of zeros. */
  #nothing(): Promise<Array32> {
    const { side, projectedWidth } = this.#tower.model;
    if (this.#projection.model.feature === 'embeds') {
      return Promise.resolve({ data: new Float32Array(projectedWidth), dims: [1, projectedWidth] });
    }
    const pixels = { data: new Float32Array(3 * side * side), dims: [1, 3, side, side] };
    return this.#tower.runOne({ pixels }, 'hidden');
  }

  #tokens(features: Array32): Promise<Array32> {
    return this.#projection.runOne({ features }, 'tokens');
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#projection.dispose(), this.#tower.dispose()]);
  }
}

/** Tokens of several pictures, side by side. */
function inARow(parts: readonly Array32[]): Array32 {
  const [first] = parts;
  if (first === undefined) throw new RangeError('Expected at least one picture.');
  const [, tokens = 0, width = 0] = first.dims;
  const data = new Float32Array(parts.length * first.data.length);
  parts.forEach((part, index) => data.set(part.data, index * first.data.length));
  return { data, dims: [1, parts.length * tokens, width] };
}
