import { EngineError } from '../errors.ts';
import type { WeightSource } from '../weights/weight-source.ts';

/** Questions about names and shapes that tell kinds apart. */
interface Names {
  readonly startsWith: (prefix: string) => boolean;
  readonly contains: (part: string) => boolean;
  readonly endsWith: (end: string) => boolean;
  readonly shape: (name: string) => readonly number[] | undefined;
}

/** What turns up in model folders and is no checkpoint. */
interface OtherKind {
  readonly what: string;
  /** Used together with a checkpoint. */
  readonly isPart: boolean;
  readonly has: (names: Names) => boolean;
}

const part = (what: string, has: OtherKind['has']): OtherKind => ({ what, isPart: true, has });
const model = (what: string, has: OtherKind['has']): OtherKind => ({ what, isPart: false, has });

/** Told apart in this order. */
const kinds: readonly OtherKind[] = [
  part(
    'a LoRA',
    ({ startsWith, contains, endsWith }) =>
      startsWith('lora_unet_') ||
      startsWith('lora_te') ||
      endsWith('.lora_up.weight') ||
      contains('.lora_A.') ||
      contains('.lora_B.') ||
      contains('.hada_w1_a') ||
      contains('.lokr_w'),
  ),
  model('an SD 3 checkpoint', ({ contains }) => contains('joint_blocks.0.')),
  model('a Flux model', ({ contains }) => contains('double_blocks.0.')),
  part(
    'a ControlNet',
    ({ startsWith }) =>
      startsWith('control_model.') || startsWith('controlnet_') || startsWith('zero_convs.'),
  ),
  part('a T2I-Adapter', ({ shape }) => shape('body.0.block1.weight') !== undefined),
  part('an IP-Adapter', ({ startsWith }) => startsWith('image_proj.') || startsWith('ip_adapter.')),
  part(
    'an embedding (textual inversion)',
    ({ startsWith, shape }) =>
      startsWith('string_to_param.') ||
      ['emb_params', 'clip_l', 'clip_g'].some((name) => shape(name) !== undefined),
  ),
  part('a text encoder', ({ startsWith }) => startsWith('text_model.')),
  part('a VAE', ({ startsWith }) =>
    ['decoder.', 'encoder.', 'first_stage_model.'].some((prefix) => startsWith(prefix)),
  ),
  part(
    'a TAESD network',
    ({ shape }) => shape('1.conv.0.weight') !== undefined || shape('3.conv.0.weight') !== undefined,
  ),
  part('an upscaler', ({ startsWith }) =>
    ['model.1.sub.', 'conv_first.', 'body.0.rdb1.'].some((prefix) => startsWith(prefix)),
  ),
];

/** An error for a file without a UNet that says what it looks like instead. */
export function notACheckpoint(source: WeightSource): EngineError {
  const names = namesOf(source);
  const kind = kinds.find(({ has }) => has(names));
  if (kind === undefined) {
    return new EngineError('model-invalid', `"${source.name}" is not a known kind of checkpoint.`, {
      hint: 'Checkpoints of Stable Diffusion 1.x, 2.x and SDXL are supported.',
    });
  }
  if (kind.isPart) {
    return new EngineError('model-invalid', `"${source.name}" looks like ${kind.what}, not a checkpoint.`, {
      hint: 'It is for use with a checkpoint, and belongs in another folder than models/checkpoints.',
    });
  }
  return new EngineError(
    'model-invalid',
    `"${source.name}" looks like ${kind.what}, which is not supported yet.`,
    { hint: 'Checkpoints of Stable Diffusion 1.x, 2.x and SDXL are supported.' },
  );
}

function namesOf({ tensors }: WeightSource): Names {
  const names = [...tensors.keys()];
  return {
    startsWith: (prefix) => names.some((name) => name.startsWith(prefix)),
    contains: (part) => names.some((name) => name.includes(part)),
    endsWith: (end) => names.some((name) => name.endsWith(end)),
    shape: (name) => tensors.get(name)?.shape,
  };
}
