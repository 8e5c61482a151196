import type { WeightSource } from '../weights/weight-source.ts';
import type { ModelCard } from './model-card.ts';
import type { CheckpointParts } from './recognise.ts';

/** Foreign text is cut to what fits on a page. */
const MAX_TITLE = 200;
const MAX_TEXT = 10_000;
const MAX_PROMPTS = 50;

/**
 * What a file says of itself. Keys: modelspec 1.0 (github.com/Stability-AI/ModelSpec), and our `atelier.defaults` (JSON
 * object) and `atelier.sample_prompts` (JSON list). What is malformed is left out: nobody's picture fails for it.
 */
export function readModelCard(
  source: WeightSource,
  { family, task, towers, unet, vae }: CheckpointParts,
): ModelCard {
  const { metadata } = source;
  return {
    family,
    task,
    title: shortened(metadata.get('modelspec.title'), MAX_TITLE),
    description: shortened(metadata.get('modelspec.description'), MAX_TEXT),
    usageHint: shortened(metadata.get('modelspec.usage_hint'), MAX_TEXT),
    licence: shortened(metadata.get('modelspec.license'), MAX_TITLE),
    samplePrompts: readPrompts(metadata.get('atelier.sample_prompts')),
    defaults: {
      ...resolution(metadata.get('modelspec.resolution')),
      ...readDefaults(metadata.get('atelier.defaults')),
    },
    parameters: {
      textEncoder: towers.reduce((sum, { weights }) => sum + weights.parameters, 0),
      unet: unet.parameters,
      vae: vae.parameters,
    },
  };
}

function shortened(text: string | undefined, most: number): string | null {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '') return null;
  return trimmed.length > most ? `${trimmed.slice(0, most)}…` : trimmed;
}

function readPrompts(json: string | undefined): string[] {
  const list = parseJson(json);
  if (!Array.isArray(list)) return [];
  return list
    .filter((prompt): prompt is string => typeof prompt === 'string')
    .flatMap((prompt) => shortened(prompt, MAX_TEXT) ?? [])
    .slice(0, MAX_PROMPTS);
}

function readDefaults(json: string | undefined): ModelCard['defaults'] {
  const object = parseJson(json);
  if (typeof object !== 'object' || object === null) return {};
  const field = (key: string): unknown =>
    Object.hasOwn(object, key) ? (object as Record<string, unknown>)[key] : undefined;
  const name = (key: string): string | undefined => {
    const value = field(key);
    return typeof value === 'string' && value !== '' && value.length <= MAX_TITLE ? value : undefined;
  };
  const number = (key: string, isAllowed: (value: number) => boolean): number | undefined => {
    const value = field(key);
    return typeof value === 'number' && isAllowed(value) ? value : undefined;
  };
  return withoutUndefined({
    sampler: name('sampler'),
    scheduler: name('scheduler'),
    steps: number('steps', (value) => Number.isInteger(value) && value >= 1 && value <= 1000),
    cfgScale: number('cfgScale', (value) => value >= 0 && value <= 100),
    width: number('width', isSide),
    height: number('height', isSide),
  });
}

/** "512x512" is width x height. */
function resolution(text: string | undefined): { width?: number; height?: number } {
  const [, width, height] = /^\s*(\d{2,5})\s*x\s*(\d{2,5})\s*$/i.exec(text ?? '') ?? [];
  const sides = { width: Number(width), height: Number(height) };
  return isSide(sides.width) && isSide(sides.height) ? sides : {};
}

function isSide(pixels: number): boolean {
  return Number.isInteger(pixels) && pixels >= 8 && pixels <= 8192 && pixels % 8 === 0;
}

/** Untrusted JSON, or undefined. */
export function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // as if it were not there
  }
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function withoutUndefined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}
