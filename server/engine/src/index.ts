/**
 * Atelier's engine: opens Stable Diffusion checkpoints where they lie and draws pictures with them. It knows no
 * HTTP, no database and no users.
 *
 * ```ts
 * const model = await openCheckpoint('models/checkpoints/atelier-starter.safetensors');
 * for await (const event of textToImage(model, { prompt: 'a red apple', seed: 7 })) {
 *   if (event.type === 'step') console.log(`${event.step}/${event.steps}`);
 *   if (event.type === 'image') save(event.image); // RGB bytes
 * }
 * await model.dispose();
 * ```
 * @packageDocumentation
 */

export { EngineError } from './errors.ts';
export type { EngineErrorCode } from './errors.ts';

export { inspectFile } from './families/inspect-file.ts';
export type { InspectedFile } from './families/inspect-file.ts';
export type { FileKind } from './families/file-kind.ts';
export type { Family } from './families/family-facts.ts';
export { listModels } from './families/list-models.ts';
export type { ListedModel } from './families/list-models.ts';
export { inspectCheckpoint } from './families/inspect-checkpoint.ts';
export { openCheckpoint } from './families/open-checkpoint.ts';
export type { OpenOptions } from './families/open-checkpoint.ts';
export { openEmbedding } from './families/open-embedding.ts';
export type { Embedding } from './families/embedding.ts';
export { openHypernetwork } from './families/open-hypernetwork.ts';
export type { AppliedHypernetwork, HypernetworkUse } from './families/open-hypernetwork.ts';
export type { Hypernetwork } from './networks/hypernetwork.ts';
export { openLora } from './families/open-lora.ts';
export type { OpenedLora } from './families/open-lora.ts';
export type { Lora } from './patches/lora.ts';
export type { LoraCard } from './patches/lora-card.ts';
export type { AppliedLora, LoraUse } from './patches/patch-networks.ts';
export { openAdapter } from './families/open-adapter.ts';
export { openControlNet } from './families/open-control.ts';
export type { OpenControlOptions } from './families/open-control.ts';
export { openImagePrompt } from './families/open-image-prompt.ts';
export type {
  ControlNet,
  ControlResiduals,
  ImagePrompt,
  ImageTokens,
  T2iAdapter,
} from './families/control-models.ts';
export { controlsOf } from './control/control-set.ts';
export type {
  AdapterUnit,
  ControlNetUnit,
  Controls,
  ControlStep,
  ControlUnit,
  ImagePromptUnit,
} from './control/controls.ts';
export { hintFrom } from './control/hint.ts';
export type { StepRule } from './control/is-active.ts';
export type { ControlMode } from './control/layer-weights.ts';
export { openTaesd } from './families/open-taesd.ts';
export { openUpscaler } from './families/open-upscaler.ts';
export type { Upscaler, UpscaleOptions, UpscaleTiling } from './families/open-upscaler.ts';
export type { TinyAutoencoder } from './families/open-taesd.ts';
export type {
  DiffusionModel,
  LatentToRgb,
  PixelPlanes,
  TextConditioning,
} from './families/diffusion-model.ts';
export { latentToRgbOf } from './families/latent-rgb.ts';
export type { ModelCard } from './families/model-card.ts';

export { samplers, schedules } from './pipelines/catalogue.ts';
export type { SamplerInfo, ScheduleInfo } from './pipelines/catalogue.ts';
export { textToImage } from './pipelines/text-to-image.ts';
export { upscale } from './pipelines/upscale.ts';
export type { UpscaleEvent, UpscaleRequest } from './pipelines/upscale.ts';
export type { TileProgress } from './tiles/tiling.ts';
export type { TextToImageRequest } from './pipelines/text-to-image.ts';
export { NOISE_ORIGINS } from './pipelines/seed-settings.ts';
export type { NoiseOrigin, SeedRequest } from './pipelines/seed-settings.ts';
export type { GuidanceRequest } from './pipelines/guidance-settings.ts';
export type { RefinerRequest } from './pipelines/refiner-settings.ts';
export type { HiresRequest } from './pipelines/hires.ts';
export { imageToImage } from './pipelines/image-to-image.ts';
export type { ImageToImageRequest } from './pipelines/image-to-image.ts';
export type { DepthMap } from './pipelines/task-inputs.ts';
export { inpaint } from './pipelines/inpaint.ts';
export type { InpaintRequest, MaskedContent } from './pipelines/inpaint-request.ts';
export type { SoftRequest } from './pipelines/soft-settings.ts';
export { RESIZE_MODES } from './pixels/resize-by-mode.ts';
export type { ResizeMode } from './pixels/resize-by-mode.ts';
export type { Conventions } from './pipelines/conventions.ts';
export type { GenerationEvent, GenerationOptions, PreviewDecoder } from './pipelines/generation-types.ts';
export { clipTokenizer } from './pipelines/clip-tokenizer.ts';
export { withoutComments } from './prompt/comments.ts';
export { takeTags } from './prompt/extra-networks.ts';
export type { NetworkTag, UntaggedPrompt } from './prompt/extra-networks.ts';
export { readLoraTag } from './prompt/lora-tag.ts';
export type { LoraWish } from './prompt/lora-tag.ts';
export { promptPlan, textsAt } from './prompt/prompt-plan.ts';
export type { PromptPlan } from './prompt/prompt-plan.ts';
export { readStyles, writeStyles } from './prompt/styles-csv.ts';
export { withoutStyles, withStyles } from './prompt/styles.ts';
export type { Style } from './prompt/styles.ts';
export { countTokens } from './prompt/token-count.ts';
export type { CountedChunk, TokenCount, TokenCountOptions } from './prompt/token-count.ts';
export { EMPHASIS_MODES } from './prompt/weighting.ts';
export type { EmphasisMode } from './prompt/weighting.ts';
export type { GreyImage, RgbImage } from './pixels/image.ts';
export type { Latents } from './diffusion/latents.ts';
export { SessionCache } from './onnx/session-cache.ts';
export { OPTIMISE } from './families/lazy-network.ts';
export type { Optimise } from './families/lazy-network.ts';
export { availableMemory } from './onnx/memory.ts';
export { PROVIDERS } from './onnx/providers.ts';
export type { Provider } from './onnx/providers.ts';
export { testRuntime } from './onnx/self-test.ts';
