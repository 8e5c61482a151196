import type { Weights } from '../weights/weights.ts';
import { ldmToDiffusersUnet } from './unet-names.ts';

/** The networks of a model that a LoRA may change. */
export interface LoraNetworks {
  /** In LDM layout, as what lies below `model.diffusion_model.`. */
  readonly unet?: Weights;
  /**
   * In transformers' spelling, as what lies below `text_model.`, each in its place: SD 1.x and 2.x have one; SDXL has two;
   * a refiner has `[null, second]`.
   */
  readonly textEncoders?: readonly (Weights | null)[];
}

/** Old diffusers files name a processor of an attention instead of its layers. */
const PROCESSED = /^(.*\.(?:attn1|attn2|self_attn))\.(?:to_)?(q|k|v|out)(?:_proj|\.0)?$/;

/**
 * Every name that LoRA files use for the modules of a model, with the full name of the tensor's module in the model, without
 * `.weight`. Names flattened with underscores cannot be taken apart without knowing the model, so they are built from its
 * names. With a module `down_blocks.0.attentions.0.proj_in` (LDM `input_blocks.1.1.proj_in`), these are:
 *
 * - kohya: `lora_unet_down_blocks_0_attentions_0_proj_in`, `lora_unet_input_blocks_1_1_proj_in`,
 *   `lora_te_text_model_encoder_layers_0_self_attn_q_proj`; with two text encoders `lora_te1_…` and `lora_te2_…`
 * - diffusers and PEFT: `unet.down_blocks.0.attentions.0.proj_in`, `text_encoder.text_model.…`, `text_encoder_2.…`
 * - diffusers before PEFT: `unet.….attn1.processor.to_q_lora`, `text_encoder.….self_attn.to_q_lora`
 * - LDM names with dots: `diffusion_model.input_blocks.1.1.proj_in`
 *
 * All modules with a `weight` are in it: matrices, convolutions, norms and embeddings.
 */
export function loraTargets({ unet, textEncoders = [] }: LoraNetworks): Map<string, string> {
  const targets = new Map<string, string>();
  const add = (key: string, target: string): void => {
    if (!targets.has(key)) targets.set(key, target);
  };
  if (unet !== undefined) addUnet(unet, add);
  textEncoders.forEach((encoder, index) => {
    if (encoder !== null) addTextEncoder(encoder, placeOf(index, textEncoders.length), add);
  });
  return targets;
}

type Add = (key: string, target: string) => void;

function addUnet(unet: Weights, add: Add): void {
  const modules = modulesOf(unet);
  const diffusers = ldmToDiffusersUnet(modules.map((name) => `${name}.weight`));
  for (const name of modules) {
    const target = unet.prefix + name;
    add(`lora_unet_${flat(name)}`, target);
    add(`diffusion_model.${name}`, target);
    const other = diffusers.get(`${name}.weight`)?.replace(/\.weight$/, '');
    if (other === undefined) continue;
    add(`lora_unet_${flat(other)}`, target);
    add(`unet.${other}`, target);
    const [, attention, layer] = PROCESSED.exec(other) ?? [];
    if (attention !== undefined) add(`unet.${attention}.processor.to_${layer}_lora`, target);
  }
}

interface Place {
  readonly kohya: string;
  readonly peft: string;
}

function placeOf(index: number, encoders: number): Place {
  return {
    kohya: encoders === 1 ? 'lora_te_' : `lora_te${index + 1}_`,
    peft: index === 0 ? 'text_encoder.' : `text_encoder_${index + 1}.`,
  };
}

function addTextEncoder(encoder: Weights, { kohya, peft }: Place, add: Add): void {
  for (const module of modulesOf(encoder)) {
    const target = encoder.prefix + module;
    const name = `text_model.${module}`;
    add(kohya + flat(name), target);
    add(peft + name, target);
    const [, attention, layer] = PROCESSED.exec(name) ?? [];
    if (attention !== undefined) add(`${peft}${attention}.to_${layer}_lora`, target);
  }
}

/** Names, without the prefix, of the modules that have a `weight`. */
function modulesOf({ source, prefix }: Weights): string[] {
  const end = '.weight';
  return [...source.tensors.keys()]
    .filter((name) => name.startsWith(prefix) && name.endsWith(end))
    .map((name) => name.slice(prefix.length, -end.length));
}

function flat(name: string): string {
  return name.replaceAll('.', '_');
}
