import type { Lora } from '../patches/lora.ts';
import { FAMILIES, type Family } from './family-facts.ts';

/** Projections of the text in the UNet, in kohya's spelling and in others; old diffusers ends them with `_lora`. */
const TEXT_PROJECTION = /attn2(?:[._]|\.processor\.)to_[kv](?:_lora)?$/;

/** The family of models that a LoRA seems to be for: by the widths of what it changes, then by what its maker says. */
export function familyOfLora({ modules, card }: Lora): Family | null {
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
