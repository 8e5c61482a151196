import type { WeightSource } from '../weights/weight-source.ts';
import { locateUnet } from './locate-networks.ts';

/** What a file of weights is for. */
export type FileKind =
  | 'checkpoint'
  | 'lora'
  | 'controlnet'
  | 't2i-adapter'
  | 'ip-adapter'
  | 'embedding'
  | 'hypernetwork'
  | 'text-encoder'
  | 'image-encoder'
  | 'vae'
  | 'taesd'
  | 'upscaler'
  /** Known, and not supported. */
  | 'unsupported'
  | 'unknown';

/** A kind of file as people call it: "a LoRA". */
export interface KnownKind {
  readonly kind: FileKind;
  readonly what: string;
}

/** Questions about names and shapes that tell kinds apart. */
interface Names {
  readonly startsWith: (...prefixes: string[]) => boolean;
  readonly contains: (...parts: string[]) => boolean;
  readonly matches: (pattern: RegExp) => boolean;
  readonly rankOf: (name: string) => number | undefined;
}

type Test = readonly [kind: FileKind, what: string, has: (names: Names) => boolean];

/** Told apart in this order; what is told by less comes later. */
const TESTS: readonly Test[] = [
  [
    'lora',
    'a LoRA',
    ({ startsWith, contains }) =>
      startsWith('lora_unet_', 'lora_te', 'lycoris_') ||
      contains(
        '.lora_up.',
        '.lora_down.',
        '.lora_A.',
        '.lora_B.',
        '_lora.up.',
        '.lora.up.',
        '.hada_w1_a',
        '.lokr_w',
      ),
  ],
  ['unsupported', 'an SD 3 checkpoint', ({ contains }) => contains('joint_blocks.0.')],
  [
    'unsupported',
    'a Flux model',
    ({ contains }) => contains('double_blocks.0.', 'single_transformer_blocks.0.'),
  ],
  ['unsupported', 'a Stable Cascade model', ({ contains }) => contains('clip_txt_mapper.')],
  [
    'controlnet',
    'a ControlNet',
    ({ startsWith }) => startsWith('control_model.', 'controlnet_', 'zero_convs.', 'lora_controlnet'),
  ],
  [
    't2i-adapter',
    'a T2I-Adapter',
    ({ matches }) => matches(/^(?:adapter\.|model\.)?body\.0\.(?:block1|resnets\.0|body\.0)\./),
  ],
  ['ip-adapter', 'an IP-Adapter', ({ startsWith }) => startsWith('image_proj.', 'ip_adapter.')],
  [
    'embedding',
    'an embedding (textual inversion)',
    ({ startsWith, rankOf, matches }) =>
      startsWith('string_to_param.') ||
      ['emb_params', 'clip_l', 'clip_g'].some((name) => rankOf(name) !== undefined) ||
      matches(/^<[^>]+>$/),
  ],
  ['hypernetwork', 'a hypernetwork', ({ matches }) => matches(/^\d{2,4}\.[01]\.linear[12]?\./)],
  [
    'image-encoder',
    'an image encoder',
    ({ startsWith }) => startsWith('vision_model.', 'visual.transformer.', 'clip.vision_model.'),
  ],
  [
    'text-encoder',
    'a text encoder',
    ({ startsWith, rankOf }) =>
      startsWith('text_model.', 'transformer.resblocks.') ||
      rankOf('embeddings.token_embedding.weight') !== undefined,
  ],
  [
    'vae',
    'a VAE',
    ({ matches, startsWith }) =>
      matches(/^(?:decoder|encoder)\.(?:conv_in|mid|mid_block)\./) || startsWith('first_stage_model.'),
  ],
  [
    'taesd',
    'a TAESD network',
    ({ rankOf, matches }) =>
      rankOf('1.conv.0.weight') !== undefined ||
      rankOf('3.conv.0.weight') !== undefined ||
      matches(/^(?:decoder|encoder)\.layers\.\d+\.(?:conv\.|weight$)/),
  ],
  [
    'upscaler',
    'an upscaler',
    ({ startsWith, rankOf }) =>
      startsWith('model.1.sub.', 'conv_first.', 'body.0.rdb1.') || rankOf('body.0.weight') === 4,
  ],
];

/** What a file is, told by names and shapes, never by the file's name. */
export function kindOf(source: WeightSource): KnownKind {
  if (locateUnet(source) !== null) return { kind: 'checkpoint', what: 'a checkpoint' };
  const names = namesOf(source);
  const found = TESTS.find(([, , has]) => has(names));
  return found === undefined
    ? { kind: 'unknown', what: 'not a known kind of file' }
    : { kind: found[0], what: found[1] };
}

/** A kind as people call it: "a LoRA". */
export function titleOf(wanted: FileKind): string {
  return TESTS.find(([kind]) => kind === wanted)?.[1] ?? 'a checkpoint';
}

function namesOf({ tensors }: WeightSource): Names {
  const names = [...tensors.keys()];
  return {
    startsWith: (...prefixes) => names.some((name) => prefixes.some((prefix) => name.startsWith(prefix))),
    contains: (...parts) => names.some((name) => parts.some((part) => name.includes(part))),
    matches: (pattern) => names.some((name) => pattern.test(name)),
    rankOf: (name) => tensors.get(name)?.shape.length,
  };
}
