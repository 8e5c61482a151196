import { readLora, type Lora } from '../patches/lora.ts';
import { openWeights } from '../weights/open-weights.ts';

/**
 * Opens a file of changes to a model's weights where it lies, safetensors or torch's pickle: LoRA, LoCon, LoHa, LoKr, IA3,
 * DoRA, GLoRA, OFT, full and norm differences, in the spellings of kohya, LyCORIS, PEFT and diffusers. Use it by opening a
 * checkpoint with it.
 *
 * ```ts
 * const lora = await openLora('models/loras/watercolour.safetensors');
 * const model = await openCheckpoint('models/checkpoints/base.safetensors', {
 *   loras: [{ lora, unet: 0.8, text: 0.8 }],
 * });
 * ```
 * @throws EngineError `model-not-found`, or `model-invalid` that says what the file is or what is wrong with it
 */
export async function openLora(path: string): Promise<Lora> {
  return readLora(await openWeights(path));
}
