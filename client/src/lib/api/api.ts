import type {
  GenerationRequestInput,
  ImageList,
  JobList,
  JobSnapshot,
  ModelList,
  SamplerList,
  SchedulerList,
} from '@atelier/contract';
import { errorOf, unreachable } from './api-error.ts';
import { randomKey } from './random-key.ts';

export type Fetch = (path: string, init?: RequestInit) => Promise<Response>;

/**
 * The server's HTTP API, one method a route. Answers come from the server this page was served by, so their types
 * are taken from the contract; failures are thrown as {@link ApiError}.
 */
export class Api {
  readonly #fetch: Fetch;

  constructor(fetch: Fetch = (path, init) => globalThis.fetch(path, init)) {
    this.#fetch = fetch;
  }

  /** Queues a job. The key makes a repeated delivery of one click one job. */
  createJob(request: GenerationRequestInput): Promise<JobSnapshot> {
    return this.#send('/jobs', request, { 'Idempotency-Key': randomKey() });
  }

  job(id: string): Promise<JobSnapshot> {
    return this.#get(`/jobs/${encodeURIComponent(id)}`);
  }

  /** Newest first. */
  jobs(limit: number): Promise<JobList> {
    return this.#get(`/jobs?limit=${limit}`);
  }

  async cancelJob(id: string): Promise<void> {
    await this.#send(`/jobs/${encodeURIComponent(id)}/cancel`, {});
  }

  /** Newest first. */
  images(limit: number, cursor: string | null = null): Promise<ImageList> {
    const after = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    return this.#get(`/images?limit=${limit}${after}`);
  }

  models(): Promise<ModelList> {
    return this.#get('/models');
  }

  samplers(): Promise<SamplerList> {
    return this.#get('/samplers');
  }

  schedules(): Promise<SchedulerList> {
    return this.#get('/schedules');
  }

  #get<T>(path: string): Promise<T> {
    return this.#request(path, { headers: { Accept: 'application/json' } });
  }

  #send<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
    return this.#request(path, {
      method: 'POST',
      headers: { Accept: 'application/json', 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  async #request<T>(path: string, init: RequestInit): Promise<T> {
    const response = await this.#fetch(`/api/v1${path}`, init).catch((cause: unknown) => {
      throw unreachable(cause);
    });
    if (!response.ok) throw await errorOf(response);
    const text = await response.text();
    return (text === '' ? null : JSON.parse(text)) as T;
  }
}

export const imageUrl = (id: string): string => `/api/v1/images/${id}/file`;
export const thumbnailUrl = (id: string): string => `/api/v1/images/${id}/thumbnail`;
