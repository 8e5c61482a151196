import { EngineError } from '../errors.ts';
import type { FolderFiles } from './folder-files.ts';
import { JsonObject, readJsonFile } from './json-file.ts';

/** What the configurations of a diffusers folder say that weights do not; null where they say nothing. */
export interface FolderConfig {
  /** Class in model_index.json, such as `StableDiffusionXLPipeline`. */
  readonly pipeline: string | null;
  /** What the UNet predicts (scheduler's `prediction_type`). */
  readonly prediction: 'epsilon' | 'v' | null;
  readonly betaStart: number | null;
  readonly betaEnd: number | null;
  /** The last timestep is noise alone (scheduler's `rescale_betas_zero_snr`). */
  readonly isZeroTerminal: boolean | null;
  /** Heads of the UNet's attentions: so many on every level, or as many as there are times this width. */
  readonly heads: { readonly heads: number } | { readonly headWidth: number } | null;
  /** From the VAE's latents to those of the sampler (`scaling_factor`). */
  readonly latentScale: number | null;
  /** An empty negative prompt is zeros, not an encoded empty text (`force_zeros_for_empty_prompt`). */
  readonly zerosForEmptyPrompt: boolean | null;
  /** Activation in each text encoder (`hidden_act`). */
  readonly activations: readonly ('quick-gelu' | 'gelu' | null)[];
}

/** The folders of a model's text encoders, first to last. */
export const TEXT_ENCODERS = ['text_encoder', 'text_encoder_2'] as const;

/**
 * Reads the configurations of a diffusers folder, or of one with a single network (`config.json` in the folder itself).
 * @throws EngineError `model-invalid` if one is damaged, or asks for what cannot be drawn right.
 */
export async function readFolderConfig(files: FolderFiles): Promise<FolderConfig> {
  const index = await read(files, 'model_index.json');
  const scheduler = await read(files, 'scheduler/scheduler_config.json');
  const own = await read(files, 'config.json');
  const unet = ownOr(own, 'UNet2DConditionModel') ?? (await read(files, 'unet/config.json'));
  // Ready-made ONNX models have the halves of the VAE apart.
  const vaeFolder = (await files.find('vae_decoder/config.json')) === null ? 'vae' : 'vae_decoder';
  const vae = ownOr(own, 'AutoencoderKL') ?? (await read(files, `${vaeFolder}/config.json`));
  const texts: JsonObject[] = [];
  for (const folder of TEXT_ENCODERS) texts.push(await read(files, `${folder}/config.json`));
  return {
    pipeline: index.text('_class_name'),
    prediction: predictionOf(scheduler),
    betaStart: betaOf(scheduler, 'beta_start'),
    betaEnd: betaOf(scheduler, 'beta_end'),
    isZeroTerminal: scheduler.flag('rescale_betas_zero_snr'),
    heads: headsOf(unet, files),
    latentScale: scaleOf(vae, files),
    zerosForEmptyPrompt: index.flag('force_zeros_for_empty_prompt'),
    activations: texts.map(activationOf),
  };
}

/** An empty object if there is no such file: what it would say is then unknown. */
async function read(files: FolderFiles, inside: string): Promise<JsonObject> {
  const path = await files.find(inside);
  return path === null ? new JsonObject() : readJsonFile(path, inside);
}

function ownOr(own: JsonObject, type: string): JsonObject | null {
  return own.text('_class_name') === type ? own : null;
}

function predictionOf(scheduler: JsonObject): 'epsilon' | 'v' | null {
  const type = scheduler.text('prediction_type');
  return type === 'v_prediction' ? 'v' : type === 'epsilon' ? 'epsilon' : null;
}

function betaOf(scheduler: JsonObject, key: string): number | null {
  const beta = scheduler.number(key);
  return beta !== null && beta > 0 && beta < 1 ? beta : null;
}

function scaleOf(vae: JsonObject, files: FolderFiles): number | null {
  const isShifted = (vae.number('shift_factor') ?? 0) !== 0 || vae.numbers('latents_mean') !== null;
  if (isShifted)
    throw unsupported(files, 'a VAE whose latents are shifted', 'The VAEs of SD 1, 2 and SDXL are.');
  const scale = vae.number('scaling_factor');
  return scale !== null && scale > 0 ? scale : null;
}

/**
 * `attention_head_dim` is the number of heads in spite of its name, unless `num_attention_heads` is there too: diffusers
 * kept the mistake for the sake of the files in the world (github.com/huggingface/diffusers/issues/2011).
 */
function headsOf(unet: JsonObject, files: FolderFiles): FolderConfig['heads'] {
  const key = ['num_attention_heads', 'attention_head_dim'].find(
    (name) => unet.number(name) !== null || unet.numbers(name) !== null,
  );
  if (key === undefined) return null;
  const heads = unet.numbers(key) ?? [unet.number(key) ?? 0];
  const [first = 0] = heads;
  if (!heads.every((count) => Number.isInteger(count) && count >= 1 && count <= 1024)) {
    throw unsupported(files, `a UNet with a ${key} of ${heads.join(', ')}`, HEADS_HINT);
  }
  if (heads.every((count) => count === first)) return { heads: first };
  const widths = (unet.numbers('block_out_channels') ?? []).map(
    (width, level) => width / (heads[level] ?? 0),
  );
  const [headWidth = 0] = widths;
  const isOneWidth = Number.isInteger(headWidth) && widths.every((width) => width === headWidth);
  if (isOneWidth && widths.length === heads.length) return { headWidth };
  throw unsupported(files, `a UNet with ${heads.join(', ')} attention heads on its levels`, HEADS_HINT);
}

const HEADS_HINT = 'One number of heads on all levels, or one width of all heads, is.';

function unsupported(files: FolderFiles, what: string, hint: string): EngineError {
  return new EngineError('model-invalid', `"${files.name}" has ${what}, which is not supported.`, { hint });
}

function activationOf(text: JsonObject): 'quick-gelu' | 'gelu' | null {
  const name = text.text('hidden_act');
  return name === 'quick_gelu' ? 'quick-gelu' : name === 'gelu' ? 'gelu' : null;
}
