import type { WeightSource } from '../weights/weight-source.ts';
import type { Family } from './family-facts.ts';
import { locateLoneText, locateText, type TextPart } from './locate-networks.ts';
import type { TowerUse } from './text-tower.ts';

/** A text encoder of a checkpoint, and how its family uses it. */
export interface Tower extends TextPart {
  readonly use: TowerUse;
}

/** A tower as `last` layer, normed. */
const NORMED = { isNormed: true, isPooled: false } as const;
/** The last layer but one as it is. */
const RAW = { layer: 2, isNormed: false } as const;

/** The text encoders of a family in a checkpoint, or null if one is missing. */
export function towersOf(source: WeightSource, family: Family): Tower[] | null {
  const first = locateText(source, 'cond_stage_model.');
  const [a = null, b = null] = [0, 1].map((index) => locateText(source, `conditioner.embedders.${index}.`));
  return used(family, ['sd1', 'sd2'].includes(family) ? [first] : family === 'sdxl' ? [a, b] : [a]);
}

/**
 * The text encoders of a family in other files: in one that has all of them, or in files with one each. Of SDXL's two the
 * first is the narrower one, in whatever order they are named.
 */
export function towersAmong(sources: readonly WeightSource[], family: Family): Tower[] | null {
  for (const source of sources) {
    const towers = towersOf(source, family);
    if (towers !== null) return towers;
  }
  const lone = sources.map(locateLoneText).filter((part) => part !== null);
  return used(
    family,
    lone.sort((one, other) => textWidthOf(one) - textWidthOf(other)),
  );
}

/** Of what a text encoder makes of each token. */
export function textWidthOf({ weights }: TextPart): number {
  return weights.tensor('embeddings.token_embedding.weight').shape[1] ?? 0;
}

/** How a family uses its text encoders; null if there are others than it has. */
function used(
  family: Family,
  [first = null, second = null, ...more]: readonly (TextPart | null)[],
): Tower[] | null {
  if (first === null || more.length > 0 || (second !== null) !== (family === 'sdxl')) return null;
  switch (family) {
    case 'sd1':
      return [{ ...first, use: { padding: null, layer: 1, ...NORMED } }];
    case 'sd2':
      // Files converted to the names of transformers had the unused last layer cut off.
      return [{ ...first, use: { padding: 0, layer: first.layout === 'open-clip' ? 2 : 1, ...NORMED } }];
    case 'sdxl':
      return [
        { ...first, use: { padding: null, isPooled: false, ...RAW } },
        { ...second!, use: { padding: 0, isPooled: true, ...RAW } },
      ];
    case 'sdxl-refiner':
      return [{ ...first, use: { padding: 0, isPooled: true, ...RAW } }];
  }
}
