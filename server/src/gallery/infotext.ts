import type { GenerationSettings } from '@atelier/contract';

/** What stands in a picture's generation text besides the settings of its job. */
export interface InfotextFacts {
  settings: GenerationSettings;
  /** This picture's own seed. */
  seed: number;
  /** Label of the schedule: the sampler's own where `Automatic` was chosen. */
  schedule: string;
  /** First 10 hex digits of the checkpoint's SHA-256; left out while unknown. */
  modelHash: string | null;
  version: string;
}

type Value = string | number | boolean | null;

/**
 * The generation text, as AUTOMATIC1111's webui writes it: prompt, negative prompt, one line of settings. A prompt
 * line that itself looks like one of the others cannot be told apart on reading; it is written as it is.
 */
export function infotext({ settings, seed, schedule, modelHash, version }: InfotextFacts): string {
  const line = settingsLine([
    ['Steps', settings.steps],
    ['Sampler', settings.sampler],
    ['Schedule type', schedule],
    ['CFG scale', settings.cfgScale],
    ['Seed', seed],
    ['Size', `${settings.width}x${settings.height}`],
    ['Model hash', modelHash],
    ['Model', settings.model.split('/').at(-1) ?? settings.model],
    // Noise is drawn as torch draws it on the CPU, whatever device computes the rest.
    ['RNG', 'CPU'],
    ['Version', version],
  ]);
  const negative = settings.negativePrompt === '' ? [] : [`Negative prompt: ${settings.negativePrompt}`];
  return [settings.prompt, ...negative, line].join('\n').trim();
}

/** `Key: value` joined by commas; null is left out. A value equal to its key is written as the key alone. */
export function settingsLine(items: readonly (readonly [key: string, value: Value])[]): string {
  return items
    .filter(([, value]) => value !== null)
    .map(([key, value]) => (valueText(value) === key ? key : `${key}: ${quoted(valueText(value))}`))
    .join(', ');
}

function valueText(value: Value): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'number' ? numberText(value) : String(value);
}

/** Shortest decimal that reads back the same double; exponents where Python writes them: below 1e-4, from 1e16 on. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < 1e16)) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

/** In double quotes, JSON style, if a reader would otherwise split it or strip its own quotes. */
function quoted(text: string): string {
  const splits = /[,\n:]/.test(text);
  const looksQuoted = text.length > 1 && text.startsWith('"') && text.endsWith('"');
  return splits || looksQuoted ? JSON.stringify(text) : text;
}
