import { readLora, type Lora } from '../patches/lora.ts';
import { openWeights } from '../weights/open-weights.ts';
import { FAMILIES, type Family } from './family-facts.ts';
import { readAs } from './read-as.ts';

/** A LoRA, and the family of models that it seems to be for. */
export interface OpenedLora extends Lora {
  /** By the widths of what it changes, then by what its maker says; null if neither tells. */
  readonly family: Family | null;
}

/**
 * Opens a file of changes to a model's weights where it lies, safetensors or torch's pickle: LoRA, LoCon, LoHa, LoKr, IA3,
 * DoRA, GLoRA, OFT, BOFT, full and norm differences, in the spellings of kohya, LyCORIS, PEFT and diffusers. Use it by
 * opening a checkpoint with it.
 *
 * ```ts
 * const lora = await openLora('models/loras/watercolour.safetensors');
 * const model = await openCheckpoint('models/checkpoints/base.safetensors', {
 *   loras: [{ lora, unet: 0.8, text: 0.8 }],
 * });
 * ```
 * @throws EngineError `model-not-found`, or `model-invalid` that says what the file is or what is wrong with it
 */
export async function openLora(path: string): Promise<OpenedLora> {
  const source = await openWeights(path);
  const lora = await readAs('lora', source, () => readLora(source));
  return { ...lora, family: familyOf(lora) };
}

/** Projections of the text in the UNet, in kohya's spelling and in others; old diffusers ends them with `_lora`. */
const TEXT_PROJECTION = /attn2(?:[._]|\.processor\.)to_[kv](?:_lora)?$/;

function familyOf({ modules, card }: Lora): Family | null {
  const known: readonly Family[] = ['sd1', 'sd2', 'sdxl', 'sdxl-refiner'];
  for (const { name, weight } of modules.values()) {
    if (!TEXT_PROJECTION.test(name)) continue;
    const family = known.find((one) => FAMILIES[one].contextWidth === weight?.columns);
    if (family !== undefined) return family;
  }
  const names = [...modules.keys()];
  if (names.some((name) => name.startsWith('lora_te2_') || name.startsWith('text_encoder_2.'))) return 'sdxl';
  const said = card.baseModel?.toLowerCase() ?? '';
  const families: readonly [RegExp, Family][] = [
    [/^sdxl|stable-diffusion-xl/, 'sdxl'],
    [/^sd_?v?2|stable-diffusion-v?2/, 'sd2'],
    [/^sd_?v?1|stable-diffusion-v?1/, 'sd1'],
  ];
  return families.find(([words]) => words.test(said))?.[1] ?? null;
}
