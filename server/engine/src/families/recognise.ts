import { EngineError } from '../errors.ts';
import { contextWidthOf } from '../networks/unet.ts';
import type { FolderConfig } from '../weights/folder-config.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import type { Weights } from '../weights/weights.ts';
import type { Attachment } from './attachment.ts';
import { kindOf } from './file-kind.ts';
import { FAMILIES, type Family, type UnetTask } from './family-facts.ts';
import { locateText, locateUnet, locateVae } from './locate-networks.ts';
import { notACheckpoint } from './not-a-checkpoint.ts';
import { textWidthOf, towersAmong, towersOf, type Tower } from './towers.ts';

/** What a checkpoint is made of, and which family it belongs to. */
export interface CheckpointParts {
  readonly family: Family;
  readonly task: UnetTask;
  readonly towers: readonly Tower[];
  readonly unet: Weights;
  readonly vae: Weights;
  /** What a model's folder says of it; it goes before what is usual in the family. */
  readonly config?: FolderConfig;
  /** What is built into the UNet, in order. */
  readonly attachments?: readonly Attachment[];
}

/** Files that give what the checkpoint itself does not have, or what is to be used instead. */
export interface Companions {
  /** Its VAE is used, whatever the checkpoint brings. */
  readonly vae?: WeightSource;
  /** Their text encoders are used where the checkpoint has none: of one that has all, or of files with one each. */
  readonly text?: readonly WeightSource[];
  /** Where it is known from elsewhere, such as a configuration. */
  readonly family?: Family;
  /** What the model's folder says of it. */
  readonly config?: FolderConfig | undefined;
}

/** What of a checkpoint is there. */
export interface Survey extends Omit<CheckpointParts, 'towers' | 'vae'> {
  readonly towers: readonly Tower[] | null;
  readonly vae: Weights | null;
}

/**
 * Tells a checkpoint's family from names and shapes, never from the file's name.
 * @throws EngineError `model-invalid` that says what the file looks like instead, or what it lacks.
 */
export function recognise(source: WeightSource, companions: Companions = {}): CheckpointParts {
  const { towers, vae, ...parts } = survey(source, companions);
  if (towers !== null && vae !== null) return { ...parts, towers, vae };
  const missing = lacking({ towers, vae }).join(' and no ');
  throw new EngineError(
    'model-invalid',
    `"${source.name}" has a UNet of ${FAMILIES[parts.family].title} but no ${missing}.`,
    {
      hint: 'Look for a version of the model with everything in one file, or name a file for what is missing.',
    },
  );
}

/** As `recognise`, for a checkpoint that may lack what other files can give. */
export function survey(source: WeightSource, { vae, text, family: known, config }: Companions = {}): Survey {
  const unet = locateUnet(source);
  if (unet === null) throw notACheckpoint(source);
  const task = taskOf(unet);
  const family = known ?? familyOf(source, unet, config);
  return {
    family,
    task,
    unet,
    towers: towersOf(source, family) ?? (text === undefined ? null : lentTowers(text, family)),
    vae: vae === undefined ? locateVae(source) : lentVae(vae),
    ...(config && { config }),
  };
}

/** What is missing, for people. */
export function lacking({ towers, vae }: Pick<Survey, 'towers' | 'vae'>): string[] {
  return [...(towers === null ? ['text encoder'] : []), ...(vae === null ? ['VAE'] : [])];
}

function lentVae(source: WeightSource): Weights {
  const vae = locateVae(source);
  if (vae !== null) return vae;
  throw lendsNothing([source], 'VAE', 'Choose another file as VAE.');
}

function lentTowers(sources: readonly WeightSource[], family: Family): readonly Tower[] {
  const towers = towersAmong(sources, family);
  if (towers !== null) return towers;
  const hint = `Choose a checkpoint or model folder of the same family, or ${family === 'sdxl' ? 'both of its text encoders' : 'its text encoder'}.`;
  throw lendsNothing(sources, `text encoder of ${FAMILIES[family].title}`, hint);
}

function lendsNothing(sources: readonly WeightSource[], what: string, hint: string): EngineError {
  const looks = sources.map((source) => `"${source.name}" (${kindOf(source).what})`).join(' and ');
  return new EngineError('model-invalid', `${looks} ${sources.length > 1 ? 'hold' : 'holds'} no ${what}.`, {
    hint,
  });
}

/** What goes in beside the 4 channels of latents. */
const TASKS: Readonly<Record<number, UnetTask>> = { 4: 'text', 5: 'depth', 8: 'instruct', 9: 'inpaint' };

function taskOf(unet: Weights): UnetTask {
  const channels = unet.tensor('input_blocks.0.0.weight', [null, null, 3, 3]).shape[1] ?? 0;
  const task = TASKS[channels];
  if (task !== undefined) return task;
  throw new EngineError(
    'model-invalid',
    `"${unet.source.name}" has a UNet with ${channels} input channels${channels === 7 ? ', as upscaling checkpoints do' : ''}; 4, 5 (depth), 8 (instructions) and 9 (inpainting) are supported.`,
    { hint: 'Look for another version of the model.' },
  );
}

/** By what only the family has: a second vector (SDXL), OpenCLIP's text encoder or its width (2.x), none of them (1.x). */
export function familyOf(source: WeightSource, unet: Weights, config?: FolderConfig): Family {
  const width = contextWidthOf(unet);
  if (!unet.under('label_emb').isEmpty) {
    if (locateText(source, 'cond_stage_model.') !== null || width === FAMILIES.sd2.contextWidth) {
      throw new EngineError(
        'model-invalid',
        `"${source.name}" looks like a Stable Diffusion 2 unCLIP checkpoint, which is not supported.`,
        { hint: 'Choose a checkpoint that draws from text.' },
      );
    }
    const isRefiner = width === FAMILIES['sdxl-refiner'].contextWidth || isForOneTower(source, width);
    return isRefiner ? 'sdxl-refiner' : 'sdxl';
  }
  if (width === FAMILIES.sd2.contextWidth) return 'sd2';
  const text = locateText(source, 'cond_stage_model.');
  // Folders have OpenCLIP's text encoder too under the names of CLIP's; but CLIP's own has the approximate function.
  const isExact = config?.activations[0] === 'gelu';
  if (text !== null) return text.layout === 'open-clip' || isExact ? 'sd2' : 'sd1';
  return hasLinearProjections(unet) ? 'sd2' : 'sd1';
}

/** SDXL's refiner has the second of its text encoders alone: OpenCLIP's, or in a folder under the names of CLIP's. */
function isForOneTower(source: WeightSource, contextWidth: number): boolean {
  const [first, second] = [0, 1].map((index) => locateText(source, `conditioner.embedders.${index}.`));
  if (!first || second) return false;
  return first.layout === 'open-clip' || textWidthOf(first) === contextWidth;
}

/** Around the attentions: matrices, as 2.x has them, and not 1x1 convolutions. */
function hasLinearProjections({ source, prefix }: Weights): boolean {
  for (const [name, { shape }] of source.tensors) {
    if (name.startsWith(prefix) && name.endsWith('.proj_in.weight')) return shape.length === 2;
  }
  return false;
}
