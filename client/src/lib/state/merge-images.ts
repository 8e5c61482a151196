import type { ImageView } from '@atelier/contract';

/** Both lists as one, newest first, each picture once; what `added` says of a picture is newer. */
export function mergeImages(known: readonly ImageView[], added: readonly ImageView[]): readonly ImageView[] {
  const byId = new Map([...known, ...added].map((image) => [image.id, image]));
  return [...byId.values()].sort(newestFirst);
}

const newestFirst = (a: ImageView, b: ImageView): number =>
  b.createdAt.localeCompare(a.createdAt) || b.index - a.index || a.id.localeCompare(b.id);
