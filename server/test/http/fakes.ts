import type { GenerationSettings, Health, ImageView, JobSnapshot, ModelView } from '@atelier/contract';
import { sampleImage, sampleJob, sampleModel } from '@atelier/contract/samples';
import { randomUUID } from 'node:crypto';
import { AppError } from '../../src/errors.ts';
import type { Gallery } from '../../src/gallery/gallery.ts';
import { findByName, modelNotFound, starterOrFirst } from '../../src/library/find-model.ts';
import type { Library } from '../../src/library/library.ts';
import type { Log } from '../../src/log.ts';
import type { Queue } from '../../src/queue/queue.ts';

/* Small implementations of our own interfaces, in memory. */

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

export const healthy: Health = {
  status: 'ok',
  version: '0.0.0-test',
  uptimeS: 1,
  worker: { state: 'ready', pid: 1, restarts: 0 },
  queue: { queued: 0, running: 0 },
  disk: { freeBytes: 1e12, low: false },
  warnings: [],
};

/** A queue that keeps jobs waiting for ever. */
export class MemoryQueue implements Queue {
  readonly jobs: JobSnapshot[] = [];
  readonly #keys = new Map<string, { bodyHash: string; id: string }>();

  async submit(...[settings, idempotency]: Parameters<Queue['submit']>): Promise<JobSnapshot> {
    const job = waiting(settings, this.jobs.length);
    this.jobs.push(job);
    if (idempotency !== undefined)
      this.#keys.set(idempotency.key, { bodyHash: idempotency.bodyHash, id: job.id });
    return job;
  }
  async findByKey({ key, bodyHash }: Parameters<Queue['findByKey']>[0]): Promise<JobSnapshot | null> {
    const known = this.#keys.get(key);
    if (known === undefined) return null;
    if (known.bodyHash !== bodyHash) throw new AppError('idempotency-key-reuse', { detail: 'Another body.' });
    return this.find(known.id);
  }
  async find(id: string): Promise<JobSnapshot | null> {
    return this.jobs.find((job) => job.id === id) ?? null;
  }
  async list({ limit, cursor, active }: Parameters<Queue['list']>[0]): ReturnType<Queue['list']> {
    const from = Number(cursor ?? 0);
    const all =
      active === true ? this.jobs.filter(({ state }) => state === 'queued') : this.jobs.toReversed();
    const next = from + limit;
    return { jobs: all.slice(from, next), nextCursor: next < all.length ? String(next) : null };
  }
  async cancel(id: string): Promise<JobSnapshot> {
    const job = await this.find(id);
    if (job === null) throw new AppError('not-found', { detail: `There is no job ${id}.` });
    if (job.state !== 'queued') throw new AppError('conflict', { detail: `The job has ${job.state}.` });
    job.state = 'cancelled';
    return job;
  }
  async counts(): ReturnType<Queue['counts']> {
    return { queued: this.jobs.length, running: 0 };
  }
}

export const waiting = (settings: GenerationSettings, position: number): JobSnapshot =>
  sampleJob(position, { id: randomUUID(), settings, position });

/** Pictures whose files lie anywhere. */
export class MemoryGallery implements Gallery {
  readonly images = new Map<string, { view: ImageView; path: string }>();

  add(path: string, facts: Partial<ImageView> = {}): ImageView {
    const view = sampleImage(this.images.size, { id: randomUUID(), sizeBytes: 1, ...facts });
    this.images.set(view.id, { view, path });
    return view;
  }
  async find(id: string): Promise<ImageView | null> {
    return this.images.get(id)?.view ?? null;
  }
  async list({ limit, cursor }: Parameters<Gallery['list']>[0]): ReturnType<Gallery['list']> {
    const all = [...this.images.values()].map(({ view }) => view).toReversed();
    const from = Number(cursor ?? 0);
    return {
      images: all.slice(from, from + limit),
      nextCursor: from + limit < all.length ? String(from + limit) : null,
    };
  }
  async file(id: string): ReturnType<Gallery['file']> {
    const image = this.images.get(id);
    if (image === undefined) throw new AppError('not-found', { detail: 'No such picture.' });
    if (image.view.missing) throw new AppError('gone', { detail: 'The file is gone.' });
    return { path: image.path, type: 'image/png', sizeBytes: image.view.sizeBytes, etag: `"${id}"` };
  }
  async thumbnail(id: string): ReturnType<Gallery['thumbnail']> {
    return { ...(await this.file(id)), type: 'image/webp' };
  }
}

/** A fixed list of models, looked up by the rules of the real one. */
export class MemoryLibrary implements Library {
  readonly models: ModelView[];

  constructor(...models: (Partial<ModelView> & { name: string })[]) {
    this.models = models.map((facts) => sampleModel(facts.name, facts));
  }
  async list(): Promise<ModelView[]> {
    return this.models;
  }
  async resolve(name?: string): ReturnType<Library['resolve']> {
    const all = this.models.map((view) => ({ view }));
    const match = name === undefined ? starterOrFirst(all) : findByName(all, name);
    if (match === undefined) throw modelNotFound(name, all);
    const { view } = match;
    if (view.problem !== null) throw new AppError('model-invalid', { detail: view.problem.detail });
    return { view, path: `/nowhere/${view.fileName}` };
  }
  async shortHash(): Promise<null> {
    return null;
  }
  async close(): Promise<void> {}
}
