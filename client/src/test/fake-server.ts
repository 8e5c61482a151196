import { GenerationRequest, isActive } from '@atelier/contract';
import type { ImageView, JobPreview, JobSnapshot, ModelView, Problem, WatchReply } from '@atelier/contract';
import type { Fetch } from '../lib/api/api.ts';
import type { AtelierSocket } from '../lib/realtime/realtime.svelte.ts';
import { sampleJob, sampleSettings } from '@atelier/contract/samples';

type Handler = (...args: never[]) => void;

/** The server as the page sees it: routes and a socket over one state, both true to the contract, nothing drawn. */
export class FakeServer {
  models: ModelView[] = [];
  jobs: JobSnapshot[] = [];
  images: ImageView[] = [];
  previews: JobPreview[] = [];
  /** Answers the next request to create a job with this. */
  refuseWith: Problem | null = null;
  reachable = true;
  readonly requests: { path: string; body: unknown; headers: Headers }[] = [];
  readonly #handlers = new Map<string, Handler[]>();

  readonly fetch: Fetch = async (path, init) => {
    if (!this.reachable) throw new TypeError('Failed to fetch');
    const body: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : null;
    this.requests.push({ path, body, headers: new Headers(init?.headers) });
    const url = new URL(path, 'http://localhost');
    return this.#route(init?.method ?? 'GET', url.pathname.replace('/api/v1', ''), url.searchParams, body);
  };

  readonly socket = {
    on: (event: string, handler: Handler) =>
      this.#handlers.set(event, [...(this.#handlers.get(event) ?? []), handler]),
    emit: (event: string, reply: (state: WatchReply) => void) => {
      if (event !== 'jobs:watch') return;
      reply({ jobs: this.jobs.filter(({ state }) => isActive(state)), previews: this.previews });
    },
    disconnect: () => this.tell('disconnect'),
  } as unknown as AtelierSocket;

  /** Sends an event, or fires one of the socket's own. */
  tell(event: string, ...args: unknown[]): void {
    for (const handler of this.#handlers.get(event) ?? []) handler(...(args as never[]));
  }

  /** Changes a job without telling anybody. */
  set(job: JobSnapshot): JobSnapshot {
    this.jobs = [...this.jobs.filter(({ id }) => id !== job.id), job];
    return job;
  }

  /** Changes a job and says so. */
  change(job: JobSnapshot): void {
    this.tell('job:changed', this.set(job));
  }

  #route(method: string, path: string, query: URLSearchParams, body: unknown): Response {
    const [, resource, id, action] = path.split('/');
    if (method === 'POST' && resource === 'jobs' && action === 'cancel') return this.#cancel(id ?? '');
    if (method === 'POST' && resource === 'jobs') return this.#create(body);
    if (resource === 'jobs' && id !== undefined) return this.#job(id);
    if (resource === 'jobs') return json({ jobs: [...this.jobs].reverse(), nextCursor: null });
    if (resource === 'images') return this.#imagePage(query);
    if (resource === 'models') return json({ models: this.models });
    if (resource === 'samplers') return json({ samplers: [] });
    if (resource === 'schedules') return json({ schedules: [] });
    return json(problem(404, 'not-found', 'No such route.'), 404);
  }

  #create(body: unknown): Response {
    if (this.refuseWith !== null) return json(this.refuseWith, this.refuseWith.status);
    const { prompt, seed } = GenerationRequest.parse(body);
    const number = this.jobs.length + 1;
    const settings = sampleSettings({ prompt, seed: seed < 0 ? 1 : seed });
    return json(this.set(sampleJob(number, { settings })), 202);
  }

  #cancel(id: string): Response {
    const job = this.jobs.find((other) => other.id === id);
    if (job === undefined) return json(problem(404, 'not-found', 'No such job.'), 404);
    if (!isActive(job.state)) return json(problem(409, 'conflict', 'The job is over.'), 409);
    return json(job);
  }

  #job(id: string): Response {
    const job = this.jobs.find((other) => other.id === id);
    return job === undefined ? json(problem(404, 'not-found', 'No such job.'), 404) : json(job);
  }

  #imagePage(query: URLSearchParams): Response {
    const from = Number(query.get('cursor') ?? 0);
    const to = from + Number(query.get('limit') ?? 50);
    return json({
      images: this.images.slice(from, to),
      nextCursor: to < this.images.length ? String(to) : null,
    });
  }
}

export const problem = (
  status: number,
  type: string,
  detail: string,
  more: Partial<Problem> = {},
): Problem => ({
  type,
  title: 'Refused',
  status,
  detail,
  instance: 'test',
  ...more,
});

const json = (body: unknown, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
