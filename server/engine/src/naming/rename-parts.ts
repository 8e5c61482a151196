/** A part of a network (a block, a layer) that two layouts keep under different names. */
export interface Part {
  readonly from: string;
  readonly to: string;
  /** Names of the layers inside, old to new; default: they are the same. A layer that is not in it has no new name. */
  readonly layers?: ReadonlyMap<string, string>;
}

/** Parts lie at most this deep; names are cut apart no further. */
const MAX_DEPTH = 8;

/**
 * New names for those of `names` that lie in one of `parts`, by the longest part that fits. Names that fit none are left
 * out, and so is a second name for what already has one: what a file adds on its own never replaces what is known.
 */
export function renameParts(names: Iterable<string>, parts: readonly Part[]): Map<string, string> {
  const byName = new Map<string, Part>();
  for (const part of parts) if (!byName.has(part.from)) byName.set(part.from, part);
  const renamed = new Map<string, string>();
  const taken = new Set<string>();
  for (const name of names) {
    const to = renameOne(name, byName);
    if (to === null || taken.has(to)) continue;
    taken.add(to);
    renamed.set(name, to);
  }
  return renamed;
}

function renameOne(name: string, parts: ReadonlyMap<string, Part>): string | null {
  for (const end of dotsFromTheRight(name)) {
    const part = parts.get(name.slice(0, end));
    if (part === undefined) continue;
    const rest = name.slice(end + 1);
    if (part.layers === undefined) return `${part.to}.${rest}`;
    const leaf = rest.lastIndexOf('.');
    const layer = part.layers.get(rest.slice(0, Math.max(leaf, 0)));
    return layer === undefined ? null : `${part.to}.${layer}${rest.slice(leaf)}`;
  }
  return null;
}

/** Where the first few dots of a name are, the last of them first. */
function dotsFromTheRight(name: string): number[] {
  const dots: number[] = [];
  for (let at = name.indexOf('.'); at !== -1 && dots.length < MAX_DEPTH; at = name.indexOf('.', at + 1)) {
    dots.unshift(at);
  }
  return dots;
}

/** The same parts, read the other way. */
export function reversed(parts: readonly Part[]): Part[] {
  return parts.map(({ from, to, layers }) => ({
    from: to,
    to: from,
    ...(layers === undefined ? {} : { layers: reversedLayers(layers) }),
  }));
}

const reversals = new WeakMap<ReadonlyMap<string, string>, ReadonlyMap<string, string>>();

function reversedLayers(layers: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  let other = reversals.get(layers);
  if (other === undefined) {
    other = new Map([...layers].map(([from, to]) => [to, from]));
    reversals.set(layers, other);
  }
  return other;
}
