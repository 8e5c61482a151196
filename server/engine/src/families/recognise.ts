import { EngineError } from '../errors.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import { Weights } from '../weights/weights.ts';

/** Where the networks of a checkpoint in the SD 1.x layout lie. */
export interface Sd1Parts {
  readonly family: 'sd1';
  /** What lies below `text_model.`. */
  readonly text: Weights;
  readonly unet: Weights;
  readonly vae: Weights;
  readonly prediction: 'epsilon' | 'v';
}

const UNET = 'model.diffusion_model.';
const UNET_INPUT = `${UNET}input_blocks.0.0.weight`;
const VAE = 'first_stage_model.';
/** The first is usual; the second is in files written with old versions of transformers. */
const TEXT = ['cond_stage_model.transformer.text_model.', 'cond_stage_model.transformer.'] as const;

/**
 * Tells a checkpoint's family from names and shapes, never from the file's name.
 * @throws EngineError `model-invalid` that says what the file looks like instead.
 */
export function recognise(source: WeightSource): Sd1Parts {
  const { tensors } = source;
  const other = kinds.find(({ has }) => has(tensorsOf(source)));
  if (other !== undefined) throw otherKind(source, other);
  if (!tensors.has(UNET_INPUT)) {
    throw new EngineError('model-invalid', `"${source.name}" is not a known kind of checkpoint.`, {
      hint: 'Stable Diffusion 1.x checkpoints in one .safetensors file are supported.',
    });
  }
  const text = TEXT.find((prefix) => tensors.has(`${prefix}embeddings.token_embedding.weight`));
  const hasVae = tensors.has(`${VAE}decoder.conv_in.weight`);
  if (text === undefined || !hasVae) {
    const missing = [text === undefined ? ['text encoder'] : [], hasVae ? [] : ['VAE']]
      .flat()
      .join(' and no ');
    throw new EngineError('model-invalid', `"${source.name}" has a UNet but no ${missing}.`, {
      hint: 'Look for a version of the model with everything in one file.',
    });
  }
  return {
    family: 'sd1',
    text: new Weights(source, text),
    unet: new Weights(source, UNET),
    vae: new Weights(source, VAE),
    prediction: predictionOf(source),
  };
}

function predictionOf({ tensors, metadata }: WeightSource): 'epsilon' | 'v' {
  const declared = metadata.get('modelspec.prediction_type')?.trim().toLowerCase() ?? '';
  return tensors.has('v_pred') || ['v', 'v_prediction', 'v-prediction'].includes(declared) ? 'v' : 'epsilon';
}

/** Questions about names and shapes that tell kinds apart. */
interface Names {
  readonly startsWith: (prefix: string) => boolean;
  readonly contains: (part: string) => boolean;
  readonly endsWith: (end: string) => boolean;
  readonly shape: (name: string) => readonly number[] | undefined;
}
interface Kind {
  readonly what: string;
  readonly hint?: string;
  /** Used together with a checkpoint. */
  readonly isPart?: true;
  readonly has: (names: Names) => boolean;
}

const channelsOfInput = ({ shape }: Names): number | undefined => shape(UNET_INPUT)?.[1];
const AS_PART = 'It is for use with a checkpoint, and belongs in another folder than models/checkpoints.';

/** Everything that is not SD 1.x but turns up in model folders, told apart in this order. */
const kinds: readonly Kind[] = [
  {
    what: 'a LoRA',
    isPart: true,
    has: ({ startsWith, contains, endsWith }) =>
      startsWith('lora_unet_') ||
      startsWith('lora_te') ||
      endsWith('.lora_up.weight') ||
      contains('.lora_A.') ||
      contains('.lora_B.') ||
      contains('.hada_w1_a') ||
      contains('.lokr_w'),
  },
  {
    what: 'an SDXL checkpoint',
    has: ({ startsWith }) => startsWith('conditioner.embedders.') || startsWith(`${UNET}label_emb.`),
  },
  {
    what: 'an SD 2.x checkpoint',
    has: ({ startsWith }) => startsWith('cond_stage_model.model.'),
  },
  { what: 'an SD 3 checkpoint', has: ({ startsWith }) => startsWith(`${UNET}joint_blocks.`) },
  {
    what: 'a Flux model',
    has: ({ startsWith }) => startsWith('double_blocks.') || startsWith(`${UNET}double_blocks.`),
  },
  {
    what: 'a ControlNet',
    isPart: true,
    has: ({ startsWith }) => startsWith('control_model.') || startsWith('controlnet_'),
  },
  {
    what: 'a T2I-Adapter',
    isPart: true,
    has: ({ shape }) => shape('body.0.block1.weight') !== undefined,
  },
  { what: 'an inpainting checkpoint (9 input channels)', has: (names) => channelsOfInput(names) === 9 },
  { what: 'a depth checkpoint (5 input channels)', has: (names) => channelsOfInput(names) === 5 },
  { what: 'an InstructPix2Pix checkpoint (8 input channels)', has: (names) => channelsOfInput(names) === 8 },
  {
    what: 'a checkpoint for another kind of latents',
    has: (names) => (channelsOfInput(names) ?? 4) !== 4,
  },
  {
    what: 'an embedding (textual inversion)',
    isPart: true,
    has: ({ shape }) => ['emb_params', 'clip_l', 'clip_g'].some((name) => shape(name) !== undefined),
  },
  {
    what: 'a UNet in the diffusers layout',
    hint: 'Look for a version of the model as one .safetensors file.',
    has: ({ startsWith }) => startsWith('down_blocks.') || startsWith('unet.down_blocks.'),
  },
  {
    what: 'a text encoder',
    isPart: true,
    has: ({ startsWith }) => startsWith('text_model.'),
  },
  {
    what: 'a VAE',
    isPart: true,
    has: (names) =>
      channelsOfInput(names) === undefined &&
      (names.startsWith('decoder.') || names.startsWith('encoder.') || names.startsWith(VAE)),
  },
  {
    what: 'a TAESD network',
    isPart: true,
    has: ({ shape }) => shape('1.conv.0.weight') !== undefined || shape('3.conv.0.weight') !== undefined,
  },
];

function tensorsOf({ tensors }: WeightSource): Names {
  const names = [...tensors.keys()];
  return {
    startsWith: (prefix) => names.some((name) => name.startsWith(prefix)),
    contains: (part) => names.some((name) => name.includes(part)),
    endsWith: (end) => names.some((name) => name.endsWith(end)),
    shape: (name) => tensors.get(name)?.shape,
  };
}

function otherKind({ name }: WeightSource, { what, hint, isPart }: Kind): EngineError {
  if (isPart === true) {
    return new EngineError('model-invalid', `"${name}" looks like ${what}, not a checkpoint.`, {
      hint: AS_PART,
    });
  }
  return new EngineError('model-invalid', `"${name}" looks like ${what}, which is not supported yet.`, {
    hint: hint ?? 'Stable Diffusion 1.x checkpoints are supported.',
  });
}
