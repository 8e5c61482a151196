import type { ImageView, JobSnapshot } from '@atelier/contract';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { built } from '../durability/built.ts';
import { buildClient } from './built-client.ts';

const MODELS = fileURLToPath(new URL('../../../models', import.meta.url));
/** How often a busy server is asked whether it is idle. */
const LOOK_MS = 50;
export const STARTER = 'atelier-starter';

/** A server as a person starts it, on folders of its own, serving the built client. */
export class StudioServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'atelier-e2e-'));
  readonly #options: Readonly<Record<string, string | number>>;
  #process: ChildProcess | null = null;
  url = '';

  private constructor(options: Record<string, string | number>) {
    this.#options = options;
  }

  /** Draws for real, with the starter model of the checkout. */
  static async real(): Promise<StudioServer> {
    const model = join(MODELS, 'checkpoints', `${STARTER}.safetensors`);
    if (!existsSync(model))
      throw new Error(`These tests draw with the starter model, which is missing: ${model}`);
    return StudioServer.#started({ models: MODELS });
  }

  /** Draws test patterns at a pace that can be relied on, and fails when a prompt asks for it. */
  static fake(stepMs: number): Promise<StudioServer> {
    return StudioServer.#started({ engine: 'fake', 'fake-step-ms': stepMs, 'log-level': 'silent' });
  }

  static async #started(options: Record<string, string | number>): Promise<StudioServer> {
    buildClient();
    const server = new StudioServer(options);
    await server.start();
    return server;
  }

  /** Starts, or starts again: at the same address, on the same folders. */
  async start(): Promise<void> {
    const options = {
      port: this.url === '' ? 0 : new URL(this.url).port,
      models: join(this.#folder, 'models'),
      outputs: join(this.#folder, 'outputs'),
      data: join(this.#folder, 'data'),
      'min-free-mib': 0,
      'log-level': 'error',
      ...this.#options,
    };
    const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
    const fake = this.#options.engine === 'fake' ? ['--fake-failures'] : [];
    const child = spawn(process.execPath, [built('src/serve.js'), ...flags, ...fake], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = child;
    for await (const line of createInterface({ input: child.stdout })) {
      const ready = /ready: (http:\S+)/.exec(line);
      if (ready === null) continue;
      this.url = ready[1] ?? '';
      child.stdout.resume();
      return;
    }
    throw new Error('The server ended before it was ready.');
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async close(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async jobs(): Promise<JobSnapshot[]> {
    return ((await this.#ask('/jobs')) as { jobs: JobSnapshot[] }).jobs;
  }

  async images(): Promise<ImageView[]> {
    return ((await this.#ask('/images')) as { images: ImageView[] }).images;
  }

  async file(imageId: string): Promise<Buffer> {
    const response = await fetch(`${this.url}/api/v1/images/${imageId}/file`);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  }

  /** Waits until nothing is drawn or waits to be. */
  async idle(): Promise<void> {
    while ((await this.#active()).length > 0) await setTimeout(LOOK_MS);
  }

  /** Stops whatever is in work or waiting, so that the next test begins with an idle server. */
  async settle(): Promise<void> {
    for (const { id } of await this.#active()) {
      const headers = { 'content-type': 'application/json' };
      // One that ended meanwhile answers 409.
      await fetch(`${this.url}/api/v1/jobs/${id}/cancel`, { method: 'POST', headers, body: '{}' });
    }
    await this.idle();
  }

  async #active(): Promise<JobSnapshot[]> {
    return (await this.jobs()).filter(({ finishedAt }) => finishedAt === null);
  }

  async #ask(path: string): Promise<unknown> {
    const response = await fetch(`${this.url}/api/v1${path}`);
    if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
    return response.json();
  }
}
