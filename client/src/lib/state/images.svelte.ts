import type { ImageView } from '@atelier/contract';
import type { Api } from '../api/api.ts';
import { mergeImages } from './merge-images.ts';

const PAGE = 60;

/** The pictures made so far, newest first, read page by page. A picture is listed once, whoever names it. */
export class Images {
  readonly #api: Api;
  list = $state.raw<readonly ImageView[]>([]);
  status = $state<'loading' | 'ready' | 'failed'>('loading');
  #cursor = $state<string | null>(null);
  readonly hasMore = $derived(this.#cursor !== null);

  constructor(api: Api) {
    this.#api = api;
  }

  /** Reads the newest page; also brings in what was added while the connection was lost. */
  async refresh(): Promise<void> {
    try {
      const page = await this.#api.images(PAGE);
      const first = this.list.length === 0;
      this.list = mergeImages(this.list, page.images);
      if (first) this.#cursor = page.nextCursor;
      this.status = 'ready';
    } catch (error) {
      if (this.list.length === 0) this.status = 'failed';
      throw error;
    }
  }

  async more(): Promise<void> {
    if (this.#cursor === null) return;
    const page = await this.#api.images(PAGE, this.#cursor);
    this.list = mergeImages(this.list, page.images);
    this.#cursor = page.nextCursor;
  }

  add(image: ImageView): void {
    this.list = mergeImages(this.list, [image]);
  }
}
