import { readLora, type Lora } from '../patches/lora.ts';
import { openWeights } from '../weights/open-weights.ts';
import type { Family } from './family-facts.ts';
import { familyOfLora } from './lora-family.ts';
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
  return { ...lora, family: familyOfLora(lora) };
}
