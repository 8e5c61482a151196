import type { ModelView, SamplerView, SchedulerView } from '@atelier/contract';
import type { Api } from '../api/api.ts';

/** What can be chosen: models, samplers, schedules. */
export class Catalogue {
  readonly #api: Api;
  models = $state.raw<readonly ModelView[]>([]);
  samplers = $state.raw<readonly SamplerView[]>([]);
  schedules = $state.raw<readonly SchedulerView[]>([]);
  status = $state<'loading' | 'ready' | 'failed'>('loading');
  readonly usable = $derived(this.models.filter((model) => model.problem === null));
  readonly broken = $derived(this.models.filter((model) => model.problem !== null));

  constructor(api: Api) {
    this.#api = api;
  }

  #refreshing: Promise<void> = Promise.resolve();

  refresh(): Promise<void> {
    this.#refreshing = this.#read();
    return this.#refreshing;
  }

  /** Resolves when it is known, for better or worse, what can be chosen. */
  async whenKnown(): Promise<void> {
    if (this.status === 'loading') await this.#refreshing.catch(() => undefined); // the status says that it failed
  }

  async #read(): Promise<void> {
    try {
      const [{ models }, { samplers }, { schedules }] = await Promise.all([
        this.#api.models(),
        this.#api.samplers(),
        this.#api.schedules(),
      ]);
      this.models = models;
      this.samplers = samplers;
      this.schedules = schedules;
      this.status = 'ready';
    } catch (error) {
      if (this.status !== 'ready') this.status = 'failed';
      throw error;
    }
  }

  async refreshModels(): Promise<void> {
    this.models = (await this.#api.models()).models;
  }

  /** The named model if it can be used, else the first that can. */
  usableOr(name: string | null): ModelView | null {
    return this.usable.find((model) => model.name === name) ?? this.usable[0] ?? null;
  }
}
