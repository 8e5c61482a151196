import { io } from 'socket.io-client';
import type { AtelierSocket } from './realtime.svelte.ts';

/** To the server this page came from. Reconnects for ever, at most 3 s apart. */
export const connect = (): AtelierSocket =>
  io({
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
    reconnectionDelay: 300,
    reconnectionDelayMax: 3000,
  });
