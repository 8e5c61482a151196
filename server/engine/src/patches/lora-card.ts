import type { WeightSource } from '../weights/weight-source.ts';

/** What the maker of a LoRA says about it; untrusted text, cut to sizes that can be shown. */
export interface LoraCard {
  readonly title: string | null;
  /** As trainers write it: `sd_v1`, `sdxl_base_v1-0`. */
  readonly baseModel: string | null;
  /** Rank and alpha that it was trained with; each module may have its own. */
  readonly rank: number | null;
  readonly alpha: number | null;
  /** The words that it was trained with, the most frequent first. */
  readonly tags: readonly { readonly tag: string; readonly count: number }[];
}

const MAX_TEXT = 200;
const MAX_TAGS = 100;
/** Larger texts are not taken apart: a file's metadata may be megabytes. */
const MAX_JSON = 4 * 1024 * 1024;

/** Kohya's `ss_*` keys, and those of the modelspec (github.com/Stability-AI/ModelSpec). */
export function readLoraCard({ metadata }: WeightSource): LoraCard {
  const text = (...keys: string[]): string | null => {
    const found = keys.map((key) => metadata.get(key)?.trim()).find((value) => value && value !== 'None');
    return found?.slice(0, MAX_TEXT) ?? null;
  };
  const number = (key: string): number | null => {
    const value = Number(text(key) ?? Number.NaN);
    return Number.isFinite(value) ? value : null;
  };
  return {
    title: text('modelspec.title', 'ss_output_name'),
    baseModel: text('ss_base_model_version', 'modelspec.architecture'),
    rank: number('ss_network_dim'),
    alpha: number('ss_network_alpha'),
    tags: tagsOf(metadata.get('ss_tag_frequency') ?? ''),
  };
}

/** `{ "10_folder": { "tag": 12 } }`, summed over the folders. */
function tagsOf(json: string): LoraCard['tags'] {
  if (json.length > MAX_JSON) return [];
  const counts = new Map<string, number>();
  for (const folder of Object.values(objectIn(json))) {
    for (const [tag, count] of Object.entries(isObject(folder) ? folder : {})) {
      if (typeof count !== 'number' || !Number.isFinite(count)) continue;
      const name = tag.trim().slice(0, MAX_TEXT);
      counts.set(name, (counts.get(name) ?? 0) + count);
    }
  }
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .slice(0, MAX_TAGS)
    .map(([tag, count]) => ({ tag, count }));
}

function objectIn(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : {};
  } catch {
    return {}; // whatever it is, it is only for show
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
