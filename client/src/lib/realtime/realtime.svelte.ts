import type {
  ClientToServerEvents,
  ImageView,
  JobPreview,
  JobSnapshot,
  ServerToClientEvents,
  WatchReply,
} from '@atelier/contract';
import type { Socket } from 'socket.io-client';

export type AtelierSocket = Socket<ServerToClientEvents, ClientToServerEvents>;
export type Connection = 'connecting' | 'online' | 'offline';

/** What the rest of the page wants to hear. */
export interface RealtimeListeners {
  /** Everything active, after each (re)connect. */
  watched: (state: WatchReply) => void;
  jobChanged: (job: JobSnapshot) => void;
  preview: (preview: JobPreview) => void;
  imageAdded: (image: ImageView) => void;
  modelsChanged: () => void;
  /** Connected again after a loss: whatever was read over HTTP may be stale. */
  returned: () => void;
}

/** The page's one socket. Each connect is a fresh watch, so nothing depends on messages missed. */
export class Realtime {
  connection = $state<Connection>('connecting');
  readonly #socket: AtelierSocket;

  constructor(socket: AtelierSocket, listeners: RealtimeListeners) {
    this.#socket = socket;
    let connectedBefore = false;
    socket.on('connect', () => {
      this.connection = 'online';
      socket.emit('jobs:watch', listeners.watched);
      if (connectedBefore) listeners.returned();
      connectedBefore = true;
    });
    socket.on('disconnect', () => (this.connection = 'offline'));
    socket.on('connect_error', () => (this.connection = 'offline'));
    socket.on('job:changed', listeners.jobChanged);
    socket.on('job:preview', listeners.preview);
    socket.on('image:added', listeners.imageAdded);
    socket.on('models:changed', listeners.modelsChanged);
  }

  close(): void {
    this.#socket.disconnect();
  }
}
