import type { ClientToServerEvents, JobPreview, ServerToClientEvents, WatchReply } from '@atelier/contract';
import { sampleSettings } from '@atelier/contract/samples';
import { connect } from 'node:net';
import { once } from 'node:events';
import { io, type Socket } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEvents, type Events } from '../../src/events.ts';
import { createApp } from '../../src/http/app.ts';
import { createAllowedHosts } from '../../src/http/boundary/allowed-hosts.ts';
import { closeServer, listen } from '../../src/http/listen.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { MAX_SOCKETS_PER_PERSON } from '../../src/realtime/cap-sockets.ts';
import { attachRealtime } from '../../src/realtime/realtime.ts';
import { healthy, MemoryGallery, MemoryLibrary, MemoryQueue, silent, waiting } from './fakes.ts';
import { PATIENT } from './patient.ts';
import { get, send, sendRaw } from './send.ts';
import { catalogue } from './start-app.ts';

type Client = Socket<ServerToClientEvents, ClientToServerEvents>;

const host = '127.0.0.1';
const settings = sampleSettings();

class PreviewingQueue extends MemoryQueue {
  newest: JobPreview[] = [];
  previews(): JobPreview[] {
    return this.newest;
  }
}

let queue: PreviewingQueue;
let events: Events;
let base: string;
let port: number;
let close: () => Promise<void>;
let clients: Client[];

beforeEach(async () => {
  queue = new PreviewingQueue();
  events = createEvents();
  clients = [];
  const hosts = createAllowedHosts({ host, allowedHosts: [] });
  const gallery = new MemoryGallery();
  const library = new MemoryLibrary();
  const health = (): Promise<typeof healthy> => Promise.resolve(healthy);
  const app = createApp({
    queue,
    gallery,
    library,
    catalogue,
    health,
    hosts,
    log: silent,
    clientDir: null,
    version: '0',
  });
  const server = createHttpServer(app);
  const realtime = attachRealtime(server, { queue, events, hosts, log: silent });
  port = await listen(server, { host, port: 0 });
  base = `http://${host}:${port}`;
  close = async () => {
    for (const client of clients) client.close();
    await realtime.close();
    await closeServer(server, 0);
  };
});
afterEach(() => close());

function client(options: Parameters<typeof io>[1] = {}): Client {
  const socket: Client = io(base, {
    reconnection: false,
    forceNew: true,
    transports: ['websocket'],
    ...options,
  });
  clients.push(socket);
  return socket;
}
async function connected(options?: Parameters<typeof io>[1]): Promise<Client> {
  const socket = client(options);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  return socket;
}
const watch = (socket: Client): Promise<WatchReply> => socket.emitWithAck('jobs:watch');
const next = <E extends keyof ServerToClientEvents>(
  socket: Client,
  event: E,
): Promise<Parameters<ServerToClientEvents[E]>> =>
  new Promise((resolve) => socket.once(event, ((...args: unknown[]) => resolve(args as never)) as never));

function preview(jobId: string, step: number): JobPreview {
  const data = new Uint8Array([step, 2, 3]).buffer;
  return { jobId, image: 0, step, seq: step, mime: 'image/webp', data };
}

describe('a socket', () => {
  it.each([['websocket'], ['polling']])(
    'that watches over %s gets all active jobs and the newest previews',
    async (transport) => {
      for (let i = 0; i < 205; i++) await queue.submit({ ...settings, seed: i });
      const ended = await queue.submit(settings);
      ended.state = 'succeeded';
      queue.newest = [preview(queue.jobs[0]?.id ?? '', 3)];
      const reply = await watch(await connected({ transports: [transport] }));
      expect(reply.jobs.map((job) => job.settings.seed)).toEqual(Array.from({ length: 205 }, (_, i) => i));
      expect(reply.previews).toMatchObject([{ jobId: queue.jobs[0]?.id, step: 3, mime: 'image/webp' }]);
      expect([...new Uint8Array(reply.previews[0]?.data ?? new ArrayBuffer())]).toEqual([3, 2, 3]);
    },
  );

  it('hears of jobs, pictures and models', async () => {
    const socket = await connected();
    const heard = Promise.all([
      next(socket, 'job:changed'),
      next(socket, 'image:added'),
      next(socket, 'models:changed'),
    ]);
    const job = waiting(settings, 0);
    const image = new MemoryGallery().add('/nowhere');
    events.emit('job:changed', job);
    events.emit('image:added', image);
    events.emit('models:changed');
    const [[heardJob], [heardImage]] = await heard;
    expect([heardJob, heardImage]).toEqual([job, image]);
  });

  it('gets previews while it watches, and only then', async () => {
    const socket = await connected();
    const steps: number[] = [];
    socket.on('job:preview', ({ step }) => steps.push(step));
    events.emit('job:preview', preview('a', 1));
    await watch(socket);
    const second = next(socket, 'job:preview');
    events.emit('job:preview', preview('a', 2));
    await second;
    expect(steps).toEqual([2]);
    socket.emit('jobs:unwatch');
    await expect
      .poll(async () => {
        steps.length = 0;
        events.emit('job:preview', preview('a', 3));
        await roundTrip(socket);
        return steps;
      }, PATIENT)
      .toEqual([]);
  });

  it('that was away for a moment gets what it missed', async () => {
    const socket = await connected({ reconnection: true, reconnectionDelay: 50, randomizationFactor: 0 });
    await watch(socket);
    // Recovery counts from the last event that was received.
    const first = next(socket, 'job:changed');
    events.emit('job:changed', waiting(settings, 0));
    await first;
    const gone = new Promise((resolve) => socket.once('disconnect', resolve));
    socket.io.engine.close();
    await gone;
    const missed = next(socket, 'job:changed');
    const job = waiting({ ...settings, seed: 77 }, 0);
    events.emit('job:changed', job);
    expect((await missed)[0]).toEqual(job);
    expect(socket.recovered).toBe(true);
    const later = next(socket, 'job:preview'); // it watches on
    events.emit('job:preview', preview('a', 9));
    expect((await later)[0].step).toBe(9);
  });

  it('that sends nonsense is ignored or ended alone', async () => {
    const good = await connected();
    const bad = await connected();
    (bad as unknown as Socket).emit('jobs:watch', { not: 'a function' });
    (bad as unknown as Socket).emit('jobs:watch', 1, 2, 3);
    (bad as unknown as Socket).emit('nonsense', { deep: [[[]]] });
    (bad as unknown as Socket).emit('__proto__', 'x');
    await roundTrip(bad);
    const ended = new Promise((resolve) => bad.once('disconnect', resolve));
    bad.io.engine.write('9this is no packet');
    await ended;
    expect((await watch(good)).jobs).toEqual([]);
  });

  it('that sends more than 1 MiB is ended', async () => {
    const bad = await connected();
    const ended = new Promise((resolve) => bad.once('disconnect', resolve));
    (bad as unknown as Socket).emit('jobs:watch', 'x'.repeat(2 ** 20 + 100));
    await ended;
    await connected();
  });

  it(`is one of at most ${MAX_SOCKETS_PER_PERSON} of one person`, async () => {
    for (let i = 0; i < MAX_SOCKETS_PER_PERSON; i++) await connected();
    await expect(connected()).rejects.toThrow();
    clients[0]?.close();
    await expect
      .poll(
        () =>
          connected().then(
            () => true,
            () => false,
          ),
        PATIENT,
      )
      .toBe(true);
  });
});

/** Everything that the server sent before has arrived. */
async function roundTrip(socket: Client): Promise<void> {
  const heard = next(socket, 'models:changed');
  await get(base, '/healthz/live');
  events.emit('models:changed');
  await heard;
}
describe('the boundary', () => {
  const polling = '/socket.io/?EIO=4&transport=polling';
  const upgrade = (headers: Record<string, string>): string =>
    [
      'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
      ...Object.entries({
        Host: `${host}:${port}`,
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      }).map(([name, value]) => `${name}: ${value}`),
      '\r\n',
    ].join('\r\n');

  it.each([
    [{ Host: 'evil.example' }, 'host-not-allowed'],
    [{ Origin: 'http://evil.example' }, 'origin-not-allowed'],
    [{ Origin: 'null' }, 'origin-not-allowed'],
    [{ 'Sec-Fetch-Site': 'cross-site' }, 'origin-not-allowed'],
    [{ 'Sec-Fetch-Site': 'same-site' }, 'origin-not-allowed'],
  ])('holds for upgrades and polls: %j', async (headers, type) => {
    const text = await sendRaw(base, upgrade(headers));
    expect(text).toMatch(/^HTTP\/1\.1 403 /);
    expect(text).toContain(`"type":"${type}"`);
    const poll = await get(base, polling, headers);
    expect(poll.json).toMatchObject({ status: 403, type });
  });

  it('holds for every poll, not only the first', async () => {
    const first = await get(base, polling);
    const { sid } = JSON.parse(first.text.slice(1)) as { sid: string };
    const stolen = await send(base, `${polling}&sid=${sid}`, {
      method: 'POST',
      headers: { origin: 'http://evil.example', 'content-type': 'text/plain' },
      body: '40',
    });
    expect(stolen.status).toBe(403);
  });

  it('lets the own page in', async () => {
    const socket = connect(port, host);
    socket.write(upgrade({ Origin: `http://${host}:${port}`, 'Sec-Fetch-Site': 'same-origin' }));
    const [data] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(data.toString()).toMatch(/^HTTP\/1\.1 101 /);
  });

  it('ends upgrades to anything else', async () => {
    const other = upgrade({}).replace('/socket.io/', '/other/');
    expect(await sendRaw(base, other)).not.toMatch(/^HTTP\/1\.1 101 /);
  });
});
