import {
  isActive,
  WATCHERS_ROOM,
  type ClientToServerEvents,
  type JobPreview,
  type JobSnapshot,
  type ServerToClientEvents,
} from '@atelier/contract';
import type { Server as HttpServer } from 'node:http';
import { Server, type Socket } from 'socket.io';
import type { Events } from '../events.ts';
import type { AllowedHosts } from '../http/boundary/allowed-hosts.ts';
import type { Log } from '../log.ts';
import type { Queue } from '../queue/queue.ts';
import { capSockets } from './cap-sockets.ts';
import { guardSockets } from './guard-sockets.ts';
import { PreviewFeed } from './preview-feed.ts';

type AtelierServer = Server<ClientToServerEvents, ServerToClientEvents>;
type AtelierSocket = Socket<ClientToServerEvents, ServerToClientEvents>;

interface RealtimeServices {
  /** `previews`: the newest preview of each running job. */
  queue: Pick<Queue, 'list'> & { previews(): JobPreview[] };
  events: Events;
  hosts: AllowedHosts;
  log: Log;
}

export interface Realtime {
  /** Closes all sockets. */
  close(): Promise<void>;
}

const MAX_MESSAGE_BYTES = 2 ** 20;
/** A client that was away for less gets what it missed; after longer it watches anew. */
const RECOVERY_MS = 120_000;
/** Packets that may wait for a reader before it is taken for gone; it comes back and watches anew. */
const MAX_WAITING_PACKETS = 512;

/** Carries the server's events to browsers. */
export function attachRealtime(http: HttpServer, services: RealtimeServices): Realtime {
  const { queue, events, hosts, log } = services;
  const io: AtelierServer = new Server(http, {
    serveClient: false,
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    connectionStateRecovery: { maxDisconnectionDuration: RECOVERY_MS },
  });
  guardSockets(io, hosts);
  capSockets(io);
  const feeds = new Map<string, PreviewFeed>();

  io.on('connection', (socket) => {
    feeds.set(socket.id, new PreviewFeed(outletOf(socket)));
    socket.once('disconnect', () => feeds.delete(socket.id));
    socket.on('jobs:watch', (reply) => {
      if (typeof (reply as unknown) !== 'function') return; // types stop at the wire
      void socket.join(WATCHERS_ROOM);
      activeJobs(queue)
        .then((jobs) => reply({ jobs, previews: queue.previews() }))
        .catch((error: unknown) => log.error('Active jobs could not be read for a socket.', { error }));
    });
    socket.on('jobs:unwatch', () => void socket.leave(WATCHERS_ROOM));
  });

  const forward = {
    'job:changed': (job: JobSnapshot): void => {
      if (!isActive(job.state)) for (const feed of feeds.values()) feed.forget(job.id);
      io.emit('job:changed', job);
      dropStalled(io);
    },
    'job:preview': (preview: JobPreview): void => {
      for (const id of io.sockets.adapter.rooms.get(WATCHERS_ROOM) ?? []) feeds.get(id)?.offer(preview);
    },
    'image:added': (image: Parameters<ServerToClientEvents['image:added']>[0]): void =>
      void io.emit('image:added', image),
    'models:changed': (): void => void io.emit('models:changed'),
  };
  events.on('job:changed', forward['job:changed']);
  events.on('job:preview', forward['job:preview']);
  events.on('image:added', forward['image:added']);
  events.on('models:changed', forward['models:changed']);

  return {
    async close() {
      events.off('job:changed', forward['job:changed']);
      events.off('job:preview', forward['job:preview']);
      events.off('image:added', forward['image:added']);
      events.off('models:changed', forward['models:changed']);
      io.disconnectSockets(true);
      io.engine.close();
    },
  };
}

/** All of them, however many pages they fill. */
async function activeJobs(queue: Pick<Queue, 'list'>): Promise<JobSnapshot[]> {
  const jobs: JobSnapshot[] = [];
  let cursor: string | null = null;
  do {
    const page = await queue.list({ active: true, limit: 200, ...(cursor === null ? {} : { cursor }) });
    jobs.push(...page.jobs);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return jobs;
}

function outletOf(socket: AtelierSocket): ConstructorParameters<typeof PreviewFeed>[0] {
  const { conn } = socket;
  return {
    isFree: () => conn.readyState === 'open' && conn.transport.writable && waitingPackets(socket) === 0,
    send: (preview) => void socket.volatile.emit('job:preview', preview),
    onFree: (callback) => void conn.on('drain', callback),
  };
}

/** Packets that were given to a socket and not sent yet. The library keeps the list to itself; nothing else tells. */
const waitingPackets = ({ conn }: AtelierSocket): number =>
  (conn as unknown as { writeBuffer: readonly unknown[] }).writeBuffer.length;

function dropStalled(io: AtelierServer): void {
  for (const socket of io.sockets.sockets.values()) {
    if (waitingPackets(socket) > MAX_WAITING_PACKETS) socket.conn.close(true);
  }
}
