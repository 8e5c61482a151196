import type { IncomingMessage } from 'node:http';
import type { Server } from 'socket.io';

/** Sockets that one person may have open. There is no login yet, so a person is an address. */
export const MAX_SOCKETS_PER_PERSON = 32;

/** Refuses further handshakes of who has enough sockets. */
export function capSockets(io: Server, max = MAX_SOCKETS_PER_PERSON): void {
  const open = new Map<string, number>();
  const personOf = (req: IncomingMessage): string => req.socket.remoteAddress ?? '';

  io.engine.opts.allowRequest = (req, decide): void => {
    const isAllowed = (open.get(personOf(req)) ?? 0) < max;
    decide(isAllowed ? null : `More than ${max} sockets are open.`, isAllowed);
  };
  io.engine.on(
    'connection',
    (socket: { request: IncomingMessage; once(event: 'close', then: () => void): void }) => {
      const person = personOf(socket.request);
      open.set(person, (open.get(person) ?? 0) + 1);
      socket.once('close', () => {
        const left = (open.get(person) ?? 1) - 1;
        if (left === 0) open.delete(person);
        else open.set(person, left);
      });
    },
  );
}
