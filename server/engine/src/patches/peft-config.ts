import type { Part } from './lora-keys.ts';

/** What PEFT says about the scale of its updates; diffusers keeps it in the file's metadata. */
export class PeftConfig {
  readonly #settings: Readonly<Record<string, unknown>>;

  /** @param json flat settings by network: `{ "unet.lora_alpha": 4, "unet.r": 8, … }`; anything else says nothing */
  constructor(json: string | undefined) {
    this.#settings = parsed(json);
  }

  /** Alpha of a module such as `unet.mid_block…`, or its whole scale for a rank-stabilised LoRA (arXiv:2312.03732). */
  numbersOf(module: string, rank: number): Map<Part, number> {
    const network = module.slice(0, Math.max(module.indexOf('.'), 0));
    const setting = (name: string): unknown => this.#settings[`${network}.${name}`];
    const alpha = this.#pattern(setting('alpha_pattern'), module) ?? setting('lora_alpha');
    if (typeof alpha !== 'number') return new Map();
    if (setting('use_rslora') === true) return new Map([['scale', alpha / Math.sqrt(rank)]]);
    return new Map([['alpha', alpha]]);
  }

  #pattern(pattern: unknown, module: string): number | undefined {
    if (typeof pattern !== 'object' || pattern === null) return undefined;
    const entry = Object.entries(pattern).find(([name]) => module === name || module.endsWith(`.${name}`));
    return typeof entry?.[1] === 'number' ? entry[1] : undefined;
  }
}

/** Longer settings are no settings. */
const MAX_JSON = 1024 * 1024;

function parsed(json: string | undefined): Record<string, unknown> {
  if (json === undefined || json.length > MAX_JSON) return {};
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
