import { JobSnapshot, ModelList, type GenerationRequestInput } from '@atelier/contract';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';

/** How often a job is asked for. A time over HTTP is right up to this. */
const POLL_MS = 10;

/** A real server in a process of its own, with empty data, that sees the folder of one model. */
export interface ServerProcess {
  /** From the POST until the picture's bytes are here. */
  draw(request: GenerationRequestInput): Promise<Uint8Array>;
  stop(): Promise<void>;
}

export async function startServerProcess(
  root: string,
  modelPath: string,
  threads: number | null,
): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'atelier-bench-'));
  await symlink(dirname(modelPath), join(folder, 'checkpoints'), 'dir');
  const flags = [
    '--port',
    '0',
    '--models',
    folder,
    '--data',
    join(folder, 'data'),
    '--outputs',
    join(folder, 'outputs'),
  ];
  const child = spawn(
    process.execPath,
    [
      join(root, 'server/dist/src/serve.js'),
      ...flags,
      '--threads',
      String(threads ?? 0),
      '--log-level',
      'error',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit');
    await rm(folder, { recursive: true });
  };
  try {
    const url = await readyUrl(child.stdout);
    const model = basename(modelPath, extname(modelPath));
    await untilHashed(url, model);
    return { draw: (request) => draw(url, { ...request, model }), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function readyUrl(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface(output)) {
    const url = /^Atelier is ready: (\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error('The server ended before it was ready');
}

/** Files are hashed in the background after a start, which would disturb the times. */
async function untilHashed(url: string, model: string): Promise<void> {
  for (;;) {
    const { models } = ModelList.parse(await json(fetch(`${url}/api/v1/models`)));
    const wanted = models.find(({ name }) => name === model);
    if (wanted === undefined) throw new Error(`The server does not list ${model}`);
    if (wanted.problem !== null) throw new Error(wanted.problem.detail);
    if (models.every(({ problem, shortHash }) => problem !== null || shortHash !== null)) return;
    await setTimeout(200);
  }
}

async function draw(url: string, request: GenerationRequestInput): Promise<Uint8Array> {
  const posted = fetch(`${url}/api/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  let job = JobSnapshot.parse(await json(posted));
  while (job.state === 'queued' || job.state === 'running') {
    await setTimeout(POLL_MS);
    job = JobSnapshot.parse(await json(fetch(`${url}/api/v1/jobs/${job.id}`)));
  }
  const [image] = job.images;
  if (image === undefined) throw new Error(`The job ${job.state}: ${job.failure?.detail ?? 'no picture'}`);
  const file = await fetch(`${url}/api/v1/images/${image.id}/file`);
  return new Uint8Array(await file.arrayBuffer());
}

async function json(answer: Promise<Response>): Promise<unknown> {
  const response = await answer;
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
