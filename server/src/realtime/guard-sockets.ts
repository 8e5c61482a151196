import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'socket.io';
import type { AllowedHosts } from '../http/boundary/allowed-hosts.ts';
import { checkHeaderCount } from '../http/boundary/check-headers.ts';
import { checkRequest } from '../http/boundary/check-request.ts';
import { setSecurityHeaders } from '../http/boundary/headers.ts';
import { randomUUID } from 'node:crypto';
import { PROBLEM_MEDIA_TYPE, toProblem } from '../http/problems.ts';

/** Holds every request of a socket, handshake, poll and upgrade, to the same boundary as the rest of the server. */
export function guardSockets(io: Server, hosts: AllowedHosts): void {
  io.engine.use((req: IncomingMessage, res: ServerResponse, next: () => void) => {
    try {
      checkHeaderCount(req);
      checkRequest(req, hosts);
    } catch (error) {
      refuse(req, error);
      return;
    }
    setSecurityHeaders(res);
    next();
  });
}

/** Written by hand: an upgrade has no answer object that could carry a body. */
function refuse(req: IncomingMessage, error: unknown): void {
  const { body } = toProblem(error, randomUUID());
  const text = JSON.stringify(body);
  req.socket.end(
    `HTTP/1.1 ${body.status} Refused\r\nContent-Type: ${PROBLEM_MEDIA_TYPE}\r\nX-Content-Type-Options: nosniff\r\n` +
      `X-Request-Id: ${body.instance}\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}
