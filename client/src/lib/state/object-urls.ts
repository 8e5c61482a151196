/**
 * Addresses of blobs, one current per key. A replaced one may still be fading out on the page, so its memory is
 * given back one replacement later.
 */
export class ObjectUrls {
  readonly #held = new Map<string, readonly string[]>();

  replace(key: string, blob: Blob): string {
    const url = URL.createObjectURL(blob);
    const [current, fading] = this.#held.get(key) ?? [];
    if (fading !== undefined) URL.revokeObjectURL(fading);
    this.#held.set(key, current === undefined ? [url] : [url, current]);
    return url;
  }

  drop(key: string): void {
    for (const url of this.#held.get(key) ?? []) URL.revokeObjectURL(url);
    this.#held.delete(key);
  }
}
