import type { Health, ImageView, JobList, JobSnapshot } from '@atelier/contract';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { built } from './built.ts';

/** Looks this often whether what a test waits for has come. */
const LOOK_MS = 15;
const GIVE_UP_MS = 100_000;

/** Asks again and again until the answer passes. */
export async function until<T>(ask: () => Promise<T> | T, passes: (answer: T) => boolean): Promise<T> {
  const deadline = performance.now() + GIVE_UP_MS;
  for (;;) {
    const answer = await ask();
    if (passes(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`Still: ${JSON.stringify(answer)}`);
    await setTimeout(LOOK_MS);
  }
}

/** The folders of a server: they outlive its processes. */
export class Home {
  readonly folder = mkdtempSync(join(tmpdir(), 'atelier-durability-'));
  readonly #servers: ServerProcess[] = [];

  get outputs(): string {
    return join(this.folder, 'outputs');
  }

  /** Starts a server with the fake engine on these folders. */
  async start(start: Start = {}): Promise<ServerProcess> {
    const server = new ServerProcess(this.folder, start);
    this.#servers.push(server);
    await server.ready();
    return server;
  }

  /** Starts a server that is expected to end by itself. @returns its exit code and what it said. */
  async startInVain(start: Start = {}): Promise<{ code: number | null; said: string }> {
    const server = new ServerProcess(this.folder, start);
    this.#servers.push(server);
    const { code } = await server.ended;
    return { code, said: server.said };
  }

  /** Every file below the outputs folder, by its path there, with a hash of its contents. */
  files(): Map<string, string> {
    const names = readdirSync(this.outputs, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    return new Map(names.map((name) => [name.slice(this.outputs.length + 1), hashOf(readFileSync(name))]));
  }

  async clear(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface Start {
  /** Options such as `{ 'fake-step-ms': 50 }`. */
  options?: Record<string, string | number>;
  env?: Record<string, string>;
  /** Whether a prompt may script failures. */
  failures?: boolean;
  /** A program and its arguments that starts the server. */
  through?: readonly string[];
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** One process of the real server. */
export class ServerProcess {
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  said = '';
  readonly #process: ChildProcess;
  #url = '';

  constructor(folder: string, { options = {}, env = {}, failures = true, through = [] }: Start) {
    const flags = {
      engine: 'fake',
      'fake-step-ms': 1,
      port: 0,
      models: join(folder, 'models'),
      outputs: join(folder, 'outputs'),
      data: join(folder, 'data'),
      'min-free-mib': 0,
      'log-level': 'warn',
      ...options,
    };
    const argv = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const [program = '', ...rest] = [
      ...through,
      process.execPath,
      built('src/serve.js'),
      ...(failures ? ['--fake-failures'] : []),
      ...argv,
    ];
    this.#process = spawn(program, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.said += text));
    }
    this.ended = once(this.#process, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as string | null,
    }));
  }

  async ready(): Promise<void> {
    const isEnded = this.ended.then(() => true);
    this.#url = await until(
      async () => {
        if (await Promise.race([isEnded, Promise.resolve(false)]))
          throw new Error(`It did not start: ${this.said}`);
        return /ready: (http:\S+)/.exec(this.said)?.[1] ?? '';
      },
      (url) => url !== '',
    );
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** Waits for words in the log. */
  async untilSaid(words: string): Promise<void> {
    await until(
      () => this.said.includes(words),
      (isSaid) => isSaid,
    );
  }

  /** Sends a signal and waits for the end. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<{ code: number | null; signal: string | null }> {
    this.#process.kill(signal);
    return this.ended;
  }

  async #ask(path: string, body?: unknown): Promise<unknown> {
    const request =
      body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const answer = await fetch(`${this.#url}/api/v1${path}`, request);
    const content = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(JSON.stringify(content)), { problem: content });
    return content;
  }

  health = (): Promise<Health> => this.#ask('/health') as Promise<Health>;
  job = (id: string): Promise<JobSnapshot> => this.#ask(`/jobs/${id}`) as Promise<JobSnapshot>;
  jobs = (): Promise<JobList> => this.#ask('/jobs') as Promise<JobList>;
  cancel = (id: string): Promise<JobSnapshot> => this.#ask(`/jobs/${id}/cancel`, {}) as Promise<JobSnapshot>;
  submit = (request: Record<string, unknown>): Promise<JobSnapshot> =>
    this.#ask('/jobs', {
      prompt: 'a red apple',
      steps: 4,
      width: 64,
      height: 64,
      seed: 7,
      ...request,
    }) as Promise<JobSnapshot>;

  async images(): Promise<ImageView[]> {
    return ((await this.#ask('/images?limit=200')) as { images: ImageView[] }).images;
  }

  /** Hash of a picture as it is served. */
  async picture(id: string): Promise<string> {
    const answer = await fetch(`${this.#url}/api/v1/images/${id}/file`);
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return hashOf(new Uint8Array(await answer.arrayBuffer()));
  }

  /** Hashes of a job's pictures, in order. */
  async pictures(id: string): Promise<string[]> {
    const { images } = await this.job(id);
    return Promise.all(images.map((image) => this.picture(image.id)));
  }

  until = (id: string, passes: (job: JobSnapshot) => boolean): Promise<JobSnapshot> =>
    until(() => this.job(id), passes);
  end = (id: string): Promise<JobSnapshot> => this.until(id, ({ finishedAt }) => finishedAt !== null);

  async workerPid(): Promise<number> {
    return (await until(this.health, ({ worker }) => worker.pid !== null)).worker.pid as number;
  }
}

/** False once a process is gone, or only waits to be collected. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
