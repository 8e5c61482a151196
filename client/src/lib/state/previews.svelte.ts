import type { JobPreview } from '@atelier/contract';
import { SvelteMap } from 'svelte/reactivity';
import { ObjectUrls } from './object-urls.ts';

/** The newest small picture of a running job, as an address an `<img>` can show. */
export interface Preview {
  readonly url: string;
  readonly image: number;
  readonly step: number;
  readonly seq: number;
}

/** Newest previews by job. Older ones that arrive late are dropped; their memory is given back. */
export class Previews {
  readonly #byJob = new SvelteMap<string, Preview>();
  readonly #urls = new ObjectUrls();

  of(jobId: string): Preview | null {
    return this.#byJob.get(jobId) ?? null;
  }

  show({ jobId, image, step, seq, mime, data }: JobPreview): void {
    const current = this.#byJob.get(jobId);
    if (current !== undefined && !isNewer({ seq, image, step }, current)) return;
    const url = this.#urls.replace(jobId, new Blob([data], { type: mime }));
    this.#byJob.set(jobId, { url, image, step, seq });
  }

  drop(jobId: string): void {
    this.#byJob.delete(jobId);
    this.#urls.drop(jobId);
  }
}

type Place = Pick<Preview, 'seq' | 'image' | 'step'>;
function isNewer(a: Place, b: Place): boolean {
  if (a.seq !== b.seq) return a.seq > b.seq;
  return a.image !== b.image ? a.image > b.image : a.step > b.step;
}
