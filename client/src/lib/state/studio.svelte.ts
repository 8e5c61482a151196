import { isActive } from '@atelier/contract';
import type { GenerationSettings, ImageView, JobSnapshot } from '@atelier/contract';
import { createContext } from 'svelte';
import { SvelteSet } from 'svelte/reactivity';
import { ApiError } from '../api/api-error.ts';
import type { Api } from '../api/api.ts';
import { Realtime } from '../realtime/realtime.svelte.ts';
import type { AtelierSocket } from '../realtime/realtime.svelte.ts';
import { Catalogue } from './catalogue.svelte.ts';
import { GenerationForm } from './form.svelte.ts';
import { Images } from './images.svelte.ts';
import { Jobs } from './jobs.svelte.ts';
import { Theme } from './theme.svelte.ts';
import { Toasts } from './toasts.svelte.ts';

const HISTORY = 30;

/** The page's state and what a person can do with it. Made once in main.ts; components read it by `useStudio()`. */
export class Studio {
  readonly #api: Api;
  readonly jobs = new Jobs();
  readonly toasts = new Toasts();
  readonly theme = new Theme();
  readonly images: Images;
  readonly catalogue: Catalogue;
  readonly form: GenerationForm;
  readonly realtime: Realtime;
  /** A request is on its way. */
  sending = $state(false);
  /** Jobs whose stop was asked for and has not come yet. */
  readonly stopping = new SvelteSet<string>();
  /** The picture open in the lightbox. */
  opened = $state<string | null>(null);
  /** The job the stage shows: the running one, else the one that ended last while this page was open. */
  readonly current: JobSnapshot | null = $derived.by(() => this.jobs.running[0] ?? this.#lastEnded());
  #endedHere = $state<string | null>(null);

  constructor(api: Api, socket: AtelierSocket) {
    this.#api = api;
    this.images = new Images(api);
    this.catalogue = new Catalogue(api);
    this.form = new GenerationForm(this.catalogue);
    this.realtime = new Realtime(socket, {
      watched: (state) => void this.#recheck(this.jobs.watched(state)),
      jobChanged: this.#learn,
      preview: (preview) => this.jobs.preview(preview),
      imageAdded: (image) => this.images.add(image),
      modelsChanged: () => void this.#tell(this.catalogue.refreshModels()),
      returned: () => void this.load(),
    });
  }

  /** Reads what the page starts with. Failures show as states of their own, and a reconnect tries again. */
  async load(): Promise<void> {
    await Promise.allSettled([this.catalogue.refresh(), this.images.refresh(), this.#loadHistory()]);
  }

  /** Queues what the form shows. Answers whether it was accepted. */
  async generate(): Promise<boolean> {
    if (this.sending) return false;
    this.sending = true;
    await this.catalogue.whenKnown(); // else the model's own settings would be missing
    this.sending = false;
    this.form.errors = this.form.check();
    if (Object.keys(this.form.errors).length > 0) return false;
    return this.#queue(this.form.request());
  }

  /** Queues the settings of an earlier job once more. */
  async again(job: JobSnapshot): Promise<boolean> {
    return this.#queue(job.settings);
  }

  /** Stops the job that is running. */
  async stop(): Promise<void> {
    const [job] = this.jobs.running;
    if (job !== undefined) await this.cancel(job.id);
  }

  async cancel(id: string): Promise<void> {
    if (this.stopping.has(id)) return;
    this.stopping.add(id);
    try {
      await this.#api.cancelJob(id);
    } catch (error) {
      // It ended before the wish arrived: nothing to report.
      if (!(error instanceof ApiError && error.type === 'conflict')) this.toasts.failure(error);
      this.stopping.delete(id);
      await this.#recheck([id]);
    }
  }

  async moreImages(): Promise<void> {
    await this.#tell(this.images.more());
  }

  /** What a picture was made with, its own seed included; null when the job is no longer known. */
  async settingsOf(image: ImageView): Promise<GenerationSettings | null> {
    const job = this.jobs.get(image.jobId) ?? (await this.#api.job(image.jobId).catch(() => null));
    return job === null ? null : { ...job.settings, seed: image.seed };
  }

  async #queue(request: Parameters<Api['createJob']>[0]): Promise<boolean> {
    this.sending = true;
    try {
      this.jobs.apply(await this.#api.createJob(request));
      this.toasts.clearErrors();
      return true;
    } catch (error) {
      if (error instanceof ApiError) this.form.errors = error.fields;
      this.toasts.failure(error);
      return false;
    } finally {
      this.sending = false;
    }
  }

  /** Every way to learn of a job ends here, so that its end is noticed whichever comes first. */
  readonly #learn = (job: JobSnapshot): void => {
    const before = this.jobs.get(job.id);
    if (!this.jobs.apply(job)) return;
    const wasActive = before !== null && isActive(before.state);
    if (wasActive) for (const image of job.images) this.images.add(image);
    if (!wasActive || isActive(job.state)) return;
    this.stopping.delete(job.id);
    this.#endedHere = job.id;
    if (job.failure !== null && job.state === 'failed') {
      this.toasts.noted(job.failure.title, job.failure.detail, job.failure.hint);
    }
  };

  #lastEnded(): JobSnapshot | null {
    return this.#endedHere === null ? null : this.jobs.get(this.#endedHere);
  }

  /** Asks for jobs whose end we may have missed. */
  async #recheck(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      try {
        this.#learn(await this.#api.job(id));
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) this.jobs.forget(id);
      }
    }
  }

  async #loadHistory(): Promise<void> {
    const { jobs } = await this.#api.jobs(HISTORY);
    for (const job of jobs) this.#learn(job);
  }

  async #tell(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.toasts.failure(error);
    }
  }
}

export const [useStudio, provideStudio] = createContext<Studio>();
