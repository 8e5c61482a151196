import type { NetworkTag } from './extra-networks.ts';

/** What `<lora:name:text weight:UNet weight:rank>` asks for; `lyco` is another name for the same. */
export interface LoraWish {
  /** As it is written: a file's name or alias. */
  readonly name: string;
  /** Of what it does to the text encoders. Default 1. */
  readonly text: number;
  /** Of what it does to the UNet. Default: that of the text encoders. */
  readonly unet: number;
  /** Ranks to use of all that there are; null = all. */
  readonly rank: number | null;
}

const WHOLE = /^\s*[+-]?\d+\s*$/;
const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i;

/**
 * Reads a tag for a LoRA, whose weights may also be named: `te=`, `unet=`, `dyn=`.
 * @returns null if there is no name or a weight is no number; the webui then leaves the LoRA out.
 */
export function readLoraTag({ positional, named }: NetworkTag): LoraWish | null {
  const [name, ...weights] = positional;
  const number = (given: string | undefined, otherwise: number) =>
    given === undefined ? otherwise : NUMBER.test(given) ? Number(given) : NaN;
  const text = number(named.get('te'), number(weights[0], 1));
  const unet = number(named.get('unet'), number(weights[1], text));
  const ranks = named.get('dyn') ?? weights[2];
  if (!name || !Number.isFinite(text) || !Number.isFinite(unet)) return null;
  if (ranks !== undefined && !WHOLE.test(ranks)) return null;
  return { name, text, unet, rank: ranks === undefined ? null : Number(ranks) };
}
