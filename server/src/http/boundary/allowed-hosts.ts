import { hostname, networkInterfaces } from 'node:os';
import { hostAndPort, isLoopback } from '../../config/addresses.ts';

/** Which names this server answers to, so that another site cannot reach it under a name of its own. */
export interface AllowedHosts {
  /** @param host Value of a Host header. @param port Port that the connection arrived at. */
  allowsHost(host: string, port: number): boolean;
  /** @param origin Value of an Origin header. */
  allowsOrigin(origin: string, port: number): boolean;
}

interface Names {
  /** Address the server is bound to. */
  host: string;
  /** Configured names: `name` is right with the server's port or with none, `name:port` with just that port. */
  allowedHosts: readonly string[];
}

const WELL_FORMED = /^(?:\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?)(?::\d{1,5})?$/;
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Loopback bind: `localhost`, `*.localhost`, `127.0.0.1` and `[::1]`. Any other bind: also the addresses and names of
 * this machine. Configured names always.
 */
export function createAllowedHosts(
  { host: bound, allowedHosts }: Names,
  machine: () => string[] = machineNames,
): AllowedHosts {
  const isLocal = isLoopback(bound);
  const configured = new Set(allowedHosts);

  const isOwn = (host: string, port: number): boolean => {
    const suffix = `:${port}`;
    const name = host.endsWith(suffix) ? host.slice(0, -suffix.length) : port === 80 ? host : null;
    if (name === null || name.includes(']:')) return false;
    if (LOOPBACK.includes(name) || name.endsWith('.localhost') || name === bracketed(bound)) return true;
    return configured.has(name) || (!isLocal && machine().includes(name));
  };
  const isAllowed = (host: string, port: number): boolean => configured.has(host) || isOwn(host, port);

  return {
    allowsHost: (host, port) => {
      const lower = host.toLowerCase();
      return WELL_FORMED.test(lower) && isAllowed(lower, port);
    },
    allowsOrigin: (origin, port) => {
      const [, scheme, host] = /^(https?):\/\/([^/]+)$/.exec(origin) ?? [];
      if (scheme === undefined || host === undefined || !WELL_FORMED.test(host)) return false;
      // A configured name may stand behind a proxy that speaks TLS; the server itself does not.
      if (scheme === 'https') return configured.has(host);
      return isAllowed(host, port);
    },
  };
}

function machineNames(): string[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => bracketed(address.toLowerCase()));
  const name = hostname().toLowerCase();
  return [...addresses, name, `${name}.local`];
}

const bracketed = (address: string): string => hostAndPort(address, 0).slice(0, -2).toLowerCase();
