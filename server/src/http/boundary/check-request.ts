import type { IncomingMessage } from 'node:http';
import { AppError } from '../../errors.ts';
import type { AllowedHosts } from './allowed-hosts.ts';

/**
 * Lets through what a person's own browser window or a program on purpose sends, and refuses what other sites make a
 * browser send: HTTP, socket upgrades and socket polling alike, also on loopback.
 * @throws AppError `host-not-allowed`, `origin-not-allowed`.
 */
export function checkRequest(req: IncomingMessage, hosts: AllowedHosts): void {
  const port = req.socket.localPort ?? 0;
  checkHost(req, hosts, port);
  checkOrigin(req, hosts, port);
}

function checkHost(req: IncomingMessage, hosts: AllowedHosts, port: number): void {
  const count = req.rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === 'host').length;
  const host = req.headers.host ?? '';
  if (count === 1 && hosts.allowsHost(host, port)) return;
  throw new AppError('host-not-allowed', {
    detail:
      count === 1
        ? `This server does not answer to the name "${host.slice(0, 200)}".`
        : `Expected exactly one Host header but ${count} came.`,
    hint: 'Use http://localhost with the port of the server, or start it with --allowed-host and this name.',
  });
}

function checkOrigin(req: IncomingMessage, hosts: AllowedHosts, port: number): void {
  const { origin } = req.headers;
  if (origin !== undefined) {
    if (hosts.allowsOrigin(origin, port)) return;
    throw refused(`The page at "${origin.slice(0, 200)}" may not use this server.`);
  }
  const site = req.headers['sec-fetch-site'];
  if (site === undefined || site === 'none' || site === 'same-origin' || opensThePage(req)) return;
  throw refused('Another site may not use this server.');
}

/** A link on another site may open the page in a tab, but reach nothing behind it. */
function opensThePage({ method, headers, url = '' }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document' &&
    url.startsWith('/') &&
    !/^\/(?:api|healthz|socket\.io)(?:[/?]|$)/i.test(url)
  );
}

const refused = (detail: string): AppError =>
  new AppError('origin-not-allowed', {
    detail,
    hint: 'Open the address of this server itself; programs send no Origin header.',
  });
