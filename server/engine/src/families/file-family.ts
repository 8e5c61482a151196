import { readLora } from '../patches/lora.ts';
import type { WeightSource } from '../weights/weight-source.ts';
import { FAMILIES, type Family } from './family-facts.ts';
import type { FileKind } from './file-kind.ts';
import { familyOfLora } from './lora-family.ts';

/**
 * The family that a file, which is no checkpoint, fits: by the width of the text that it works with.
 * @throws EngineError `model-invalid` if it is a LoRA that cannot be meant
 */
export async function familyOfFile(source: WeightSource, kind: FileKind): Promise<Family | null> {
  if (kind === 'lora') return familyOfLora(await readLora(source));
  const { tensors } = source;
  if (kind === 'embedding' && tensors.has('clip_g')) return 'sdxl';
  for (const [name, { shape }] of tensors) {
    if (kind === 'embedding') return byWidth(shape.at(-1));
    // Of ControlNets, of control-LoRAs, of IP-Adapters.
    if (/attn2\.to_[kv]\.(?:weight|down)$|\.to_[kv]_ip\.weight$/.test(name)) return byWidth(shape[1]);
    // SDXL's T2I-Adapters take 16x16 pixels as one, of one plane or three; those of SD 1.x 8x8.
    if (kind === 't2i-adapter' && /(?:^|\.)conv_in\.weight$/.test(name)) {
      return [256, 768].includes(shape[1] ?? 0) ? 'sdxl' : 'sd1';
    }
    if (kind === 'hypernetwork') {
      const family = byWidth(Number.parseInt(name, 10));
      if (family !== null) return family;
    }
  }
  return null;
}

function byWidth(width: number | undefined): Family | null {
  const families = Object.keys(FAMILIES) as Family[];
  return families.find((family) => FAMILIES[family].contextWidth === width) ?? null;
}
