import { EngineError } from '../errors.ts';
import { contextWidthOf } from '../networks/unet.ts';
import type { FolderConfig } from '../weights/folder-config.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import type { Weights } from '../weights/weights.ts';
import type { Attachment } from './attachment.ts';
import { FAMILIES, type Family, type UnetTask } from './family-facts.ts';
import { locateText, locateUnet, locateVae, type TextPart } from './locate-networks.ts';
import { notACheckpoint } from './not-a-checkpoint.ts';
import type { TowerUse } from './text-tower.ts';

/** A text encoder of a checkpoint, and how its family uses it. */
export interface Tower extends TextPart {
  readonly use: TowerUse;
}

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
  /** Its text encoders are used where the checkpoint has none. */
  readonly text?: WeightSource;
  /** Where it is known from elsewhere, such as a configuration. */
  readonly family?: Family;
  /** What the model's folder says of it. */
  readonly config?: FolderConfig | undefined;
}

/**
 * Tells a checkpoint's family from names and shapes, never from the file's name.
 * @throws EngineError `model-invalid` that says what the file looks like instead, or what it lacks.
 */
export function recognise(
  source: WeightSource,
  { vae, text, family: known, config }: Companions = {},
): CheckpointParts {
  const unet = locateUnet(source);
  if (unet === null) throw notACheckpoint(source);
  const task = taskOf(unet);
  const family = known ?? familyOf(source, unet, config);
  const towers = towersOf(source, family) ?? (text === undefined ? null : towersOf(text, family));
  const baked = vae === undefined ? locateVae(source) : locateVae(vae);
  if (vae !== undefined && baked === null) {
    throw new EngineError('model-invalid', `"${vae.name}" holds no VAE.`, {
      hint: 'Choose another file as VAE.',
    });
  }
  if (towers === null || baked === null) throw incomplete(source, family, towers === null, baked === null);
  return { family, task, towers, unet, vae: baked, ...(config && { config }) };
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
    const isRefiner =
      locateText(source, 'conditioner.embedders.0.')?.layout === 'open-clip' ||
      width === FAMILIES['sdxl-refiner'].contextWidth;
    return isRefiner ? 'sdxl-refiner' : 'sdxl';
  }
  if (width === FAMILIES.sd2.contextWidth) return 'sd2';
  const text = locateText(source, 'cond_stage_model.');
  // Folders have OpenCLIP's text encoder too under the names of CLIP's; but CLIP's own has the approximate function.
  const isExact = config?.activations[0] === 'gelu';
  if (text !== null) return text.layout === 'open-clip' || isExact ? 'sd2' : 'sd1';
  return hasLinearProjections(unet) ? 'sd2' : 'sd1';
}

/** Around the attentions: matrices, as 2.x has them, and not 1x1 convolutions. */
function hasLinearProjections({ source, prefix }: Weights): boolean {
  for (const [name, { shape }] of source.tensors) {
    if (name.startsWith(prefix) && name.endsWith('.proj_in.weight')) return shape.length === 2;
  }
  return false;
}

/** A tower as `last` layer, normed. */
const NORMED = { isNormed: true, isPooled: false } as const;
/** The last layer but one as it is. */
const RAW = { layer: 2, isNormed: false } as const;

/** The text encoders of a family, or null if one is missing. */
function towersOf(source: WeightSource, family: Family): Tower[] | null {
  const first = locateText(source, 'cond_stage_model.');
  const [a, b] = [0, 1].map((index) => locateText(source, `conditioner.embedders.${index}.`));
  switch (family) {
    case 'sd1':
      return first && [{ ...first, use: { padding: null, layer: 1, ...NORMED } }];
    case 'sd2':
      // Files converted to the names of transformers had the unused last layer cut off.
      return (
        first && [{ ...first, use: { padding: 0, layer: first.layout === 'open-clip' ? 2 : 1, ...NORMED } }]
      );
    case 'sdxl':
      if (!a || !b) return null;
      return [
        { ...a, use: { padding: null, isPooled: false, ...RAW } },
        { ...b, use: { padding: 0, isPooled: true, ...RAW } },
      ];
    case 'sdxl-refiner':
      return a ? [{ ...a, use: { padding: 0, isPooled: true, ...RAW } }] : null;
  }
}

function incomplete(
  source: WeightSource,
  family: Family,
  lacksText: boolean,
  lacksVae: boolean,
): EngineError {
  const missing = [...(lacksText ? ['text encoder'] : []), ...(lacksVae ? ['VAE'] : [])].join(' and no ');
  return new EngineError(
    'model-invalid',
    `"${source.name}" has a UNet of ${FAMILIES[family].title} but no ${missing}.`,
    {
      hint: 'Look for a version of the model with everything in one file, or name a file for what is missing.',
    },
  );
}
