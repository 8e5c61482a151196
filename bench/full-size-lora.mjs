// Writes a LoRA for a checkpoint in the SD 1.x layout with random weights: `node bench/full-size-lora.mjs /tmp/lora.safetensors`.
// The default is for the size of Stable Diffusion 1.5, of rank 16, on the matrices of the UNet's transformers and of the text
// encoder, as trainers make it; `--convolutions` takes the convolutions too.
import { pathToFileURL } from 'node:url';
import { writeCheckpoint } from './full-size-checkpoint.mjs';
import { sd1Layout, STABLE_DIFFUSION_1_5 } from './layouts.mjs';

const UNET = 'model.diffusion_model.';
const TEXT = 'cond_stage_model.transformer.text_model.';

/** Names and shapes of a LoRA's tensors for a checkpoint's. */
export function loraLayout(layout, { rank, hasConvolutions }) {
  return layout.flatMap(({ name, shape }) => {
    const module = moduleOf(name, shape, hasConvolutions);
    if (module === null) return [];
    const [outputs, inputs, ...kernel] = shape;
    const point = kernel.map(() => 1);
    return [
      { name: `${module}.lora_down.weight`, shape: [rank, inputs, ...kernel] },
      { name: `${module}.lora_up.weight`, shape: [outputs, rank, ...point] },
    ];
  });
}

function moduleOf(name, shape, hasConvolutions) {
  if (!name.endsWith('.weight') || shape.length < 2) return null;
  const flat = (prefix) => name.slice(prefix.length, -'.weight'.length).replaceAll('.', '_');
  if (name.startsWith(TEXT) && name.includes('.encoder.')) return `lora_te_text_model_${flat(TEXT)}`;
  if (!name.startsWith(UNET)) return null;
  const isTransformer = /\.(transformer_blocks|proj_in|proj_out)\b/.test(name);
  return isTransformer || hasConvolutions ? `lora_unet_${flat(UNET)}` : null;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const path = process.argv.slice(2).find((word) => !word.startsWith('--'));
  if (path === undefined) {
    console.error('Usage: node bench/full-size-lora.mjs <file> [--convolutions]');
    process.exit(2);
  }
  const layout = loraLayout(sd1Layout(STABLE_DIFFUSION_1_5), {
    rank: 16,
    hasConvolutions: process.argv.includes('--convolutions'),
  });
  await writeCheckpoint(path, layout, { dtype: 'F16' });
}
