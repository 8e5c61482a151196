import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostAndPort } from '../config/addresses.ts';
import { StartError } from '../errors.ts';

interface Address {
  host: string;
  port: number;
}

/**
 * Starts listening. @returns the port, which is a free one if 0 was asked for.
 * @throws StartError that says what to do if the address is taken, forbidden or not this machine's.
 */
export async function listen(server: Server, { host, port }: Address): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(new StartError(sentence(error, host, port)));
    server.once('error', fail);
    server.listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port }, () => {
      server.off('error', fail);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

/** Where a browser on this machine finds the server. */
export function urlOf({ host, port }: Address): string {
  const isEverywhere = host === '0.0.0.0' || host === '::' || host === '[::]';
  return `http://${hostAndPort(isEverywhere ? '127.0.0.1' : host, port)}`;
}

/** Ends connections that wait for nothing at once and the others after `graceMs`. */
export async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  server.closeIdleConnections();
  await closed;
  clearTimeout(timer);
}

function sentence({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use: stop the other program or start with --port ${port < 65_535 ? port + 1 : 7860}.`;
    case 'EACCES':
      return `Port ${port} is not allowed for this user: choose one above 1023 with --port.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return `This machine has no address ${host}: choose another one with --host, e.g. 127.0.0.1.`;
    default:
      return `Listening on ${hostAndPort(host, port)} failed: ${message}.`;
  }
}
